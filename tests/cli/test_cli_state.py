"""Commands about the state: update, status and doctor, models and what was decided, migrations."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import update

from f1_pipeline import clock
from f1_pipeline.domain.vocabulary import HORIZONS, TRAINED_MODELS
from f1_pipeline.settings import get_settings
from f1_pipeline.storage import migrate, reads, schema
from f1_pipeline.storage.engine import get_engine
from tests.cli.invoked import LAST, NEXT, Said, error_of, invoke, ok, use
from tests.quiet import QUIET

pytestmark = QUIET


# --- update ----------------------------------------------------------------------------------------------


def test_update_says_what_it_did(updated: tuple[Path, Said]) -> None:
    result = updated[1]
    assert result.exit_code == 0, result.output
    assert (
        "48 races taken in, 17 forecasts and 9 championship forecasts made, 8 races scored." in result.stdout
    )
    assert f"Next race: {NEXT}" in result.stdout
    assert "simulated-7" in result.stderr


def test_update_again(home: Path) -> None:
    assert "Nothing new in simulated simulated-7." in ok("update")


# --- status and doctor -----------------------------------------------------------------------------------


def test_status(home: Path) -> None:
    found = json.loads(ok("status", "--format", "json"))
    assert found["source"] == "simulated"
    assert found["simulated"] is True
    assert found["next_race"] == NEXT
    assert found["newest_result"] == LAST
    assert found["home"] == str(home)
    assert found["revision"] == migrate.head()
    engine = get_engine(get_settings().tables_url)
    assert found["rows"] == reads.row_counts(engine)
    text = ok("status")
    assert NEXT in text
    assert str(found["rows"]["predictions"]) in text


@pytest.mark.parametrize("stated", [True, False])
def test_a_race_is_late_once_it_has_started(
    copy: Path, monkeypatch: pytest.MonkeyPatch, stated: bool
) -> None:
    """As in Las Vegas the day at the track is over in UTC before the race. Without a start its day has to end."""
    monkeypatch.setenv("F1_JOLPICA_ENABLED", "false")
    get_settings.cache_clear()
    engine, races = get_engine(get_settings().tables_url), schema.races
    day = reads.read_table(engine, races, [NEXT])["date"].iloc[0].to_pydatetime().replace(tzinfo=dt.UTC)
    due = day + dt.timedelta(days=1, hours=4 if stated else 0)
    with engine.begin() as connection:
        connection.execute(update(schema.data_loads).values(source="f1db"))
        connection.execute(
            update(races).where(races.c.race_key == NEXT).values(start_at=due if stated else None)
        )
    for hours, said in ((-1, None), (23, None), (24, "due 1 day ago"), (49, "due 2 days ago")):
        with clock.at(due + dt.timedelta(hours=hours)):
            text = ok("status")
        assert said in text if said else "due" not in text


def test_doctor_is_content(home: Path) -> None:
    text = ok("doctor")
    for check in ("Python", "packages", "home", "database", "source", "ports"):
        assert check in text
    assert "simulated simulated-7" in text
    assert "wrong" not in text


def test_doctor_says_what_is_wrong(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F1_F1DB_ARCHIVE", str(home / "nowhere.zip"))
    get_settings.cache_clear()
    result = invoke("doctor")
    assert result.exit_code == 1
    assert "wrong" in result.stdout
    assert "nowhere.zip" in result.stdout


def test_doctor_before_anything_was_done() -> None:
    assert "none yet" in ok("doctor")


# --- models ----------------------------------------------------------------------------------------------


def test_models_shows_the_champions(home: Path) -> None:
    rows = json.loads(ok("models", "--format", "json"))
    assert [(row["model"], row["horizon"]) for row in rows] == [
        (name, horizon) for name in TRAINED_MODELS for horizon in HORIZONS
    ]
    engine = get_engine(get_settings().tables_url)
    made = reads.read_table(engine, schema.models).set_index(["name", "horizon", "version"])
    for row in rows:
        stored = made.loc[(row["model"], row["horizon"], row["version"])]
        assert row["mlflow_version"] == stored["mlflow_version"]
        assert row["hyperparameters"].items() <= stored["hyperparameters"].items()
        assert row["last_decision"]["promoted"]
        assert row["last_decision"]["reason"].startswith("first recipe")
    text = ok("models")
    assert "penalty=1.0" in text
    assert "first recipe" in text


def test_challenge_and_rollback_say_what_was_decided(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(home, tmp_path / "copy", ignore=shutil.ignore_patterns("mlflow-artifacts"))
    use(monkeypatch, tmp_path / "copy")
    text = ok("challenge", "elo", "--horizon", "pre_weekend", "--set", "penalty=1e6")
    assert "elo at pre_weekend, version 2: penalty=1000000.0" in text
    assert "minus that of the champion, version 1: " in text
    assert "on the same 8 races" in text
    assert "stays out: too few races: 8, a decision needs 20" in text
    again = invoke("rollback", "elo", "--horizon", "pre_weekend")
    assert again.exit_code == 1
    assert "has had one recipe only" in str(again.exception)


# --- migrations ------------------------------------------------------------------------------------------


def test_the_tables_go_down_and_up(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    shutil.copytree(home, tmp_path / "copy", ignore=shutil.ignore_patterns("mlflow-artifacts", "dagster"))
    use(monkeypatch, tmp_path / "copy")
    down = invoke("db", "downgrade", "base")
    assert down.exit_code == 0
    assert "revision none" in down.stderr
    assert "run `f1 db upgrade`" in error_of(monkeypatch, capsys, "status")
    assert invoke("doctor").exit_code == 1
    up = invoke("db", "upgrade")
    assert up.exit_code == 0
    assert f"revision {migrate.head()}" in up.stderr
    assert json.loads(ok("status", "--format", "json"))["rows"]["races"] == 0
