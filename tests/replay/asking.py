"""The replayed API as tests ask it: moments, a path, the rows of a result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import requests

from f1_pipeline.replay import JolpicaServer

LATE = datetime(2026, 12, 31, tzinfo=UTC)
RACE_START = datetime(2026, 3, 8, 4, tzinfo=UTC)
QUALIFYING_START = datetime(2026, 3, 7, 5, tzinfo=UTC)
Serve = Callable[..., Any]


def get(server: JolpicaServer, path: str, **query: Any) -> dict[str, Any]:
    answer = requests.get(f"{server.url}/{path}", params=query, timeout=5)
    assert answer.status_code == 200
    return answer.json()["MRData"]  # type: ignore[no-any-return]


def results(server: JolpicaServer, path: str = "2026/1/results/", **query: Any) -> list[dict[str, Any]]:
    races = get(server, path, **query)["RaceTable"]["Races"]
    return races[0]["Results"] if races else []
