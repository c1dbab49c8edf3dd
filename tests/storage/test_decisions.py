"""Decisions about recipes: which one forecasts which race, and that version and decision come together."""

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, delete, insert, text

from f1_pipeline.storage import schema
from f1_pipeline.storage.decisions import (
    add_decided_version,
    add_decision,
    decision_for,
    decisions,
    promoted_after,
    superseded_forecasts,
)
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.migrate import downgrade, upgrade
from f1_pipeline.storage.models import add_version, champion, in_force, versions

ALPHA, BETA, GAMMA = "2026-alphaland", "2026-betaland", "2026-gammaland"
ORDER = {ALPHA: 0, BETA: 1, GAMMA: 2}
NOW = dt.datetime(2026, 3, 8, 4, tzinfo=dt.UTC)
ELO = ("elo", "pre_race")


def _version(**more: Any) -> dict[str, Any]:
    return {
        "name": "elo", "horizon": "pre_race", "type": "t", "race_key": ALPHA, "trained_at": NOW,
        "data_cutoff": NOW, "trained_through": ALPHA, "training_hash": "h", "training_rows": 1,
        "hyperparameters": {"penalty": 1.0}, "metrics": {}, **more,
    }  # fmt: skip


def _decision(**more: Any) -> dict[str, Any]:
    return {
        "name": "elo", "horizon": "pre_race", "hyperparameters": {"penalty": 1.0}, "recipe": 1,
        "promoted": True, "races": 0, "reason": "r", "decided_at": NOW, **more,
    }  # fmt: skip


def _prediction(race: str, version: int) -> dict[str, Any]:
    return {
        "race_key": race, "horizon": "pre_race", "model": "elo", "driver_id": "ada",
        "constructor_id": "c", "model_version": version, "win_probability": 1.0, "podium_probability": 1.0,
        "points_probability": 1.0, "expected_position": 1.0, "cutoff": NOW, "created_at": NOW,
        "data_release": "r", "seed": 1,
    }  # fmt: skip


def _penalty(rows: pd.DataFrame, race: str) -> float | None:
    found = decision_for(rows, ORDER, race)
    return None if found is None else found["hyperparameters"]["penalty"]


def test_a_recipe_is_for_races_after_those_it_was_chosen_on(engine: Engine) -> None:
    assert decision_for(decisions(engine, *ELO), ORDER, ALPHA) is None
    add_decision(engine, _decision())
    add_decision(engine, _decision(hyperparameters={"penalty": 2.0}, known_through=ALPHA))
    add_decision(engine, _decision(hyperparameters={"penalty": 3.0}, known_through=ALPHA, promoted=False))
    add_decision(engine, _decision(hyperparameters={"penalty": 4.0}, known_through=BETA))
    add_decision(engine, _decision(hyperparameters={"penalty": 9.0}, name="linear"))
    rows = decisions(engine, *ELO)
    assert [_penalty(rows, race) for race in (ALPHA, BETA, GAMMA)] == [1.0, 2.0, 4.0]
    assert promoted_after(engine, "pre_race") == {ALPHA, BETA}
    assert promoted_after(engine, "pre_weekend") == set()
    assert len(decisions(engine)) == 5


def test_version_and_decision_come_together(engine: Engine) -> None:
    add_version(engine, _version())
    row = _decision(promoted=False, champion_version=1, known_through=ALPHA)
    assert add_decided_version(engine, _version(role="challenger"), row) == 2
    assert decisions(engine, *ELO)["challenger_version"].tolist() == [2]
    with pytest.raises(Exception, match=r"(?i)null"):
        add_decided_version(engine, _version(), {**row, "reason": None})
    assert versions(engine, *ELO)["version"].tolist() == [1, 2]
    assert len(decisions(engine)) == 1


def test_a_challenger_is_in_force_nowhere(engine: Engine) -> None:
    later = NOW + dt.timedelta(days=7)
    add_version(engine, _version())
    add_version(engine, _version(race_key=BETA, data_cutoff=later))
    add_version(engine, _version(race_key=BETA, data_cutoff=later, role="challenger"))
    add_version(engine, _version())  # a backfill of an old race: the newest number, not the newest race
    rows = versions(engine, *ELO)
    assert {race: row["version"] for race, row in in_force(rows).items()} == {ALPHA: 4, BETA: 2}
    newest = champion(rows)
    assert newest is not None
    assert newest["version"] == 2
    assert champion(rows.iloc[:0]) is None


def test_a_forecast_older_than_a_promotion_is_superseded(engine: Engine) -> None:
    for _ in range(3):
        add_version(engine, _version())
    with engine.begin() as connection:
        connection.execute(insert(schema.predictions), [_prediction(ALPHA, 1), _prediction(BETA, 2)])
    add_decision(engine, _decision(challenger_version=3))  # the first recipe: no promotion
    add_decision(engine, _decision(challenger_version=3, known_through=ALPHA, promoted=False))
    assert superseded_forecasts(engine, BETA) == set()
    add_decision(engine, _decision(challenger_version=2, known_through=ALPHA))
    assert superseded_forecasts(engine, BETA) == set(), "made by it"
    assert superseded_forecasts(engine, ALPHA) == {"pre_race"}
    add_decision(engine, _decision(challenger_version=3, known_through=ALPHA))
    assert superseded_forecasts(engine, BETA) == {"pre_race"}


@pytest.mark.parametrize("reason", ["promotion", "stood in"])
def test_after_the_cutoff_a_superseded_forecast_counts_while_its_field_is_the_same(
    engine: Engine, reason: str
) -> None:
    """Better models, or those that were meant, must not bring a reserve of Saturday along under the cutoff of Friday."""
    for _ in range(2):
        add_version(engine, _version(horizon="pre_weekend"))
    forecast = {**_prediction(BETA, 1), "horizon": "pre_weekend"}
    entry = {
        name: forecast[name] for name in ("race_key", "horizon", "driver_id", "constructor_id", "cutoff")
    }
    if reason == "stood in":
        forecast["stood_in_for"] = BETA
    with engine.begin() as connection:
        connection.execute(insert(schema.predictions), [forecast])
        connection.execute(insert(schema.feature_matrix), [entry])
    if reason == "promotion":
        add_decision(engine, _decision(horizon="pre_weekend", challenger_version=2, known_through=ALPHA))
    assert superseded_forecasts(engine, BETA, closed=True) == {"pre_weekend"}
    for column, value in (("driver_id", "x-reserve"), ("constructor_id", "x-team")):
        with engine.begin() as connection:
            connection.execute(delete(schema.feature_matrix))
            connection.execute(insert(schema.feature_matrix), [{**entry, column: value}])
        assert superseded_forecasts(engine, BETA, closed=True) == set()
        assert superseded_forecasts(engine, BETA) == {"pre_weekend"}


def test_versions_of_an_earlier_release_are_champions_and_challengers_go_with_it(database_url: str) -> None:
    """Before this revision the newest version of a race forecasts it, whatever it is."""
    upgrade(database_url, "0002")
    engine = get_engine(database_url)
    old = {**_version(), "trained_at": "2026-03-08", "data_cutoff": "2026-03-08"}
    with engine.begin() as connection:
        connection.execute(insert(schema.seasons), [{"season": 2026}])
        race = {"race_key": ALPHA, "season": 2026, "grand_prix_id": "a", "name": "a", "date": NOW.date()}
        connection.execute(
            insert(schema.races), [{**race, "is_sprint_weekend": False, "is_cancelled": False}]
        )
        columns = [name for name in old if name not in ("hyperparameters", "metrics")]
        connection.execute(
            text(
                f"INSERT INTO models (version, hyperparameters, metrics, {', '.join(columns)}) "  # noqa: S608
                f"VALUES (1, '{{}}', '{{}}', {', '.join(':' + name for name in columns)})"
            ),
            {name: old[name] for name in columns},
        )
    upgrade(database_url)
    assert versions(engine, *ELO)[["role", "recipe"]].to_numpy().tolist() == [["champion", 1]]
    add_version(engine, _version(role="challenger"))
    downgrade(database_url, "0002")
    with engine.connect() as connection:
        assert connection.scalars(text("SELECT version FROM models")).all() == [1]
