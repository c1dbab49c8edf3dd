"""Read forecasts with requests and pandas: who wins next, how good the model was, how a driver's rating moved.

    python examples/api_client.py [http://127.0.0.1:8000]

It needs `f1 serve` (or `f1 serve --only api`) and the packages requests and pandas, nothing of this project.
"""

from __future__ import annotations

import io
import sys
from typing import Any

import pandas as pd
import requests

BASE = "http://127.0.0.1:8000"


class Api:
    """A client that asks again only for what has changed: it keeps answers with their ETag."""

    def __init__(self, base: str = BASE) -> None:
        self.base = base.rstrip("/")
        self._session = requests.Session()
        self._known: dict[str, requests.Response] = {}

    def _get(self, path: str, accept: str, **parameters: Any) -> requests.Response:
        request = requests.Request(
            "GET", f"{self.base}/api/v1/{path}", params=parameters, headers={"Accept": accept}
        )
        prepared = self._session.prepare_request(request)
        key = f"{accept} {prepared.url}"
        if key in self._known:
            prepared.headers["If-None-Match"] = self._known[key].headers["ETag"]
        answer = self._session.send(prepared, timeout=30)
        if answer.status_code == 304:
            return self._known[key]
        if not answer.ok:
            content = answer.json()
            raise RuntimeError(f"{content['code']}: {content['error']}")
        if "ETag" in answer.headers:
            self._known[key] = answer
        return answer

    def json(self, path: str, **parameters: Any) -> Any:
        """An answer as it is."""
        return self._get(path, "application/json", **parameters).json()

    def frame(self, path: str, **parameters: Any) -> pd.DataFrame:
        """The rows of an answer. Of a list it is one page: see `limit` and `offset`."""
        return pd.read_csv(io.StringIO(self._get(path, "text/csv", **parameters).text))

    def whole(self, path: str, **parameters: Any) -> pd.DataFrame:
        """All pages of a list."""
        pages: list[pd.DataFrame] = []
        total, seen = 1, 0
        while seen < total:
            answer = self._get(path, "text/csv", limit=500, offset=seen, **parameters)
            pages.append(pd.read_csv(io.StringIO(answer.text)))
            total = int(answer.headers["X-Total-Count"])
            seen += 500
        return pd.concat(pages, ignore_index=True)


def main(base: str = BASE) -> None:
    """Print a few tables."""
    api = Api(base)
    forecast = api.json("predictions/next-race")
    made = forecast["forecast"]
    print(f"{forecast['race']['name']}, {made['model']} {made['model_version']} at {made['horizon']},")
    print(f"knew everything until {made['cutoff']}" + (", SIMULATED DATA" if made["simulated"] else ""))
    drivers = pd.DataFrame(forecast["drivers"])
    print(drivers[["driver", "team", "win_probability", "podium_probability"]].head(5).to_string(index=False))

    scores = api.whole("analytics/model-accuracy", model=made["model"])
    by_season = scores.groupby(["horizon", "season"])["log_loss"].agg(["mean", "count"])
    print(f"\nLog loss of {made['model']} by season:\n{by_season.round(3).to_string()}")

    favourite = drivers.iloc[0]
    races = api.whole(f"analytics/driver-performance/{favourite['driver_id']}")
    rated = races.dropna(subset=["elo_after"]).sort_values("date")
    print(f"\nElo of {favourite['driver']} after his last races:")
    print(rated[["date", "race_key", "position_text", "elo_after"]].tail(5).to_string(index=False))


if __name__ == "__main__":
    main(*sys.argv[1:2])
