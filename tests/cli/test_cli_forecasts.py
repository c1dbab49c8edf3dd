"""Commands that print forecasts: of a race, of seasons, of the championship."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import update

from f1_app.database import reading
from f1_app.queries.championship import championship
from f1_pipeline.domain.vocabulary import BASELINES, COMBINED, HORIZONS, POOL, TRAINED_MODELS
from f1_pipeline.settings import get_settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine
from tests.cli.invoked import LAST, NEXT, REQUIRED, error_of, ok, rows_of
from tests.quiet import QUIET

pytestmark = QUIET


# --- forecast --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "csv"])
def test_forecast_of_the_next_race(home: Path, form: str) -> None:
    rows = rows_of(ok("forecast", "--format", form), form)
    assert len(rows) == 20
    assert set(REQUIRED) <= set(rows[0])
    assert {row["race_key"] for row in rows} == {NEXT}
    assert {row["horizon"] for row in rows} == {"pre_weekend"}
    assert {row["model"] for row in rows} == {POOL}
    win = [float(row["win_probability"]) for row in rows]
    assert sum(win) == pytest.approx(1.0)
    assert win == sorted(win, reverse=True)
    assert sum(float(row["podium_probability"]) for row in rows) == pytest.approx(3.0)


def test_forecast_as_a_table(home: Path) -> None:
    text = ok("forecast")
    assert "Amber Road" in text
    assert "Simulated championship" in text
    assert "knowing the entry list" in text
    codes = [row["driver_code"] for row in json.loads(ok("forecast", "--format", "json"))]
    assert all(code in text for code in codes)
    assert "F1DB" not in text


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("model", [POOL, "elo", "uniform"])
def test_forecast_of_a_named_race(home: Path, horizon: str, model: str) -> None:
    rows = json.loads(ok("forecast", LAST, "--horizon", horizon, "--model", model, "--format", "json"))
    assert len(rows) == 20
    assert {(row["race_key"], row["horizon"], row["model"]) for row in rows} == {(LAST, horizon, model)}
    has_interval = [row["interval_low"] is not None for row in rows]
    assert all(has_interval) if model == POOL else not any(has_interval)


def test_forecast_takes_the_newest_horizon(home: Path) -> None:
    rows = json.loads(ok("forecast", LAST, "--format", "json"))
    assert {row["horizon"] for row in rows} == {"pre_race"}
    assert "qualifying and the grid" in ok("forecast", LAST)


def test_numbers_have_the_places_that_are_meant(home: Path) -> None:
    def digits(*arguments: str) -> set[int]:
        """How many decimals the numbers have that are no shares."""
        return {len(found) for found in re.findall(r"\d\.(\d+)(?![\d ]*%)", ok(*arguments))}

    sprint = reads.read_table(get_engine(get_settings().tables_url), schema.sprint_predictions)["race_key"]
    assert (
        digits("championship") == digits("forecast") == digits("forecast", sprint.iloc[0], "--sprint") == {1}
    )
    assert digits("forecast", "--why") == {2}


# --- predictions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "json"])
def test_predictions(home: Path, form: str) -> None:
    rows = rows_of(
        ok("predictions", "--start-season", "2026", "--end-season", "2026", "--format", form), form
    )
    stored = reads.read_table(get_engine(get_settings().tables_url), schema.predictions)
    models = {h: len(TRAINED_MODELS) + len(COMBINED) + len(BASELINES[h]) for h in HORIZONS}
    assert len(rows) == len(stored) == 20 * (9 * models["pre_weekend"] + 8 * models["pre_race"])
    assert set(REQUIRED) <= set(rows[0])
    keys = {(row["race_key"], row["horizon"], row["model"], row["driver"]) for row in rows}
    assert len(keys) == len(rows)
    expected = stored.set_index(["race_key", "horizon", "model", "driver_id"])["win_probability"]
    for row in rows[::97]:
        value = expected[(row["race_key"], row["horizon"], row["model"], row["driver"])]
        assert float(row["win_probability"]) == pytest.approx(value, rel=1e-12)
    assert pd.to_datetime([row["cutoff"] for row in rows[:5]], format="ISO8601").tz is not None


def test_predictions_can_be_narrowed(home: Path) -> None:
    text = ok("predictions", "--start-season", "2026", "--end-season", "2026", "--horizon", "pre_race", "--model", "elo")  # fmt: skip
    rows = rows_of(text, "csv")
    assert len(rows) == 20 * 8
    assert {(row["horizon"], row["model"]) for row in rows} == {("pre_race", "elo")}


@pytest.mark.parametrize("form", ["csv", "json"])
def test_predictions_of_seasons_without_any_are_empty(home: Path, form: str) -> None:
    text = ok("predictions", "--start-season", "2024", "--end-season", "2024", "--format", form)
    assert rows_of(text, form) == []
    if form == "csv":
        assert set(REQUIRED) <= set(text.strip().split(",")), "the header is there all the same"


# --- championship ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "csv"])
@pytest.mark.parametrize("kind", ["driver", "constructor"])
def test_championship_before_the_next_race(home: Path, kind: str, form: str) -> None:
    rows = rows_of(ok("championship", "--kind", kind, "--format", form), form)
    assert {row["race_key"] for row in rows} == {NEXT}
    assert {row["kind"] for row in rows} == {kind}
    chances = [float(row["title_probability"]) for row in rows]
    assert sum(chances) == pytest.approx(1.0)
    assert chances == sorted(chances, reverse=True)
    assert all(float(row["points_low"]) <= float(row["points_high"]) for row in rows)


def test_championship_is_in_the_order_of_the_api(copy: Path) -> None:
    table = schema.championship_forecasts
    with get_engine(get_settings().tables_url).begin() as connection:
        # Nobody has a chance of the title, and more points stand on a worse place.
        connection.execute(
            update(table).values(title_probability=0.0, expected_position=table.c.expected_points)
        )
    with reading() as connection:
        expected = championship(connection, NEXT, "driver")["entity_id"].tolist()
    rows = json.loads(ok("championship", "--format", "json"))
    assert [row["entity"] for row in rows] == expected


def test_championship_after_a_round(home: Path) -> None:
    first = json.loads(ok("championship", "--season", "2026", "--after-round", "0", "--format", "json"))
    assert all(row["points"] == 0 for row in first)
    assert all(row["can_win"] for row in first)
    later = json.loads(ok("championship", "--after-round", "3", "--format", "json"))
    assert sum(row["points"] for row in later) > 0
    assert later[0]["races_left"] == first[0]["races_left"] - 3


def test_championship_as_a_table_and_what_if(home: Path) -> None:
    table = ok("championship")
    assert "Simulated championship" in table
    assert "can win" in table
    assert "races left" in table
    shown = ok("championship", "--what-if")
    assert re.search(r"\b(P\d|out)\b", shown)
    assert "Title chances if" in shown
    rows = json.loads(ok("championship", "--what-if", "--kind", "constructor", "--format", "json"))
    assert all(0 <= row["title_probability"] <= 1 for row in rows)
    assert {row["race_key"] for row in rows} == {NEXT}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--kind", "team"), "driver, constructor"),
        (("--season", "1999"), "no championship forecast of 1999"),
        (("--after-round", "99"), "--after-round must be 0 to"),
        (("--after-round", "0", "--what-if"), "made for the next race"),
    ],
)
def test_championship_that_is_not_there(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    assert said in error_of(monkeypatch, capsys, "championship", *arguments)
