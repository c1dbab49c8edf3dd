"""Prices and the tables of quality on SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from sqlalchemy import Engine, insert

from f1_pipeline import clock
from f1_pipeline.errors import WriteRefused
from f1_pipeline.storage import market, reads, schema
from f1_pipeline.storage.writes import replace_tables

ALPHA, BETA = "2026-alphaland", "2026-betaland"
NOON = pd.Timestamp("2026-01-01T12:00:00Z")


def _prices(*drivers: str, race: str = ALPHA, source: str = "acme", odds: float = 2.5) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "race_key": race,
            "driver_id": list(drivers),
            "source": source,
            "taken_at": NOON,
            "decimal_odds": odds,
        }
    )


def _stored(engine: Engine) -> pd.DataFrame:
    return reads.read_table(engine, schema.market_odds)


def _score(engine: Engine, race: str, model: str, scored_at: dt.datetime) -> None:
    row = {
        **{"race_key": race, "horizon": "pre_race", "model": model, "model_version": 1, "starters": 2},
        **dict.fromkeys(("log_loss", "brier", "binary_brier", "podium_log_loss", "rank_error"), 0.5),
        **{"top3_accuracy": 0.5, "winner_correct": True, "winner_probability": 0.5},
        **{"predicted_winner": "a", "actual_winner": "a", "result_hash": "x", "scored_at": scored_at},
    }
    with engine.begin() as connection:
        connection.execute(insert(schema.model_accuracy), [row])


def test_the_same_file_twice_changes_nothing(engine: Engine) -> None:
    done = market.add_prices(engine, _prices("a", "b"))
    assert (done.new, done.corrected, done.unchanged, done.races) == (2, 0, 0, (ALPHA,))
    before = _stored(engine)
    done = market.add_prices(engine, _prices("b", "a"))
    assert (done.new, done.corrected, done.unchanged, done.races) == (0, 0, 2, ())
    pd.testing.assert_frame_equal(_stored(engine), before)


def test_another_price_under_the_same_key_corrects_it(engine: Engine) -> None:
    market.add_prices(engine, _prices("a", "b"))
    before = _stored(engine).set_index("driver_id")
    done = market.add_prices(engine, pd.concat([_prices("a"), _prices("b", odds=3.0), _prices("c")]))
    assert (done.new, done.corrected, done.unchanged, done.races) == (1, 1, 1, (ALPHA,))
    after = _stored(engine).set_index("driver_id")
    assert after["decimal_odds"].to_dict() == {"a": 2.5, "b": 3.0, "c": 2.5}
    assert after.loc["a", "imported_at"] == before.loc["a", "imported_at"]
    assert after.loc["b", "imported_at"] > before.loc["b", "imported_at"]


def test_a_failed_import_leaves_what_was_there(engine: Engine) -> None:
    market.add_prices(engine, _prices("a"))
    before = _stored(engine)
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        market.add_prices(engine, pd.concat([_prices("a", odds=9.0), _prices("b", race="2026-nowhere")]))
    pd.testing.assert_frame_equal(_stored(engine), before)


def test_races_scored_before_their_prices_came(engine: Engine) -> None:
    assert market.repriced_races(engine) == set()
    market.add_prices(engine, pd.concat([_prices("a"), _prices("a", race=BETA)]))
    assert market.repriced_races(engine) == set(), "what was never scored is not scored again"
    now = dt.datetime.now(dt.UTC)
    _score(engine, ALPHA, "pool", now - dt.timedelta(minutes=1))
    _score(engine, BETA, "pool", now)
    assert market.repriced_races(engine) == {ALPHA}
    with clock.at(now - dt.timedelta(seconds=1)):  # scored by a clock that was ahead
        assert market.repriced_races(engine) == {ALPHA, BETA}


def test_removing_a_source_takes_its_scores_along(engine: Engine) -> None:
    market.add_prices(engine, pd.concat([_prices("a"), _prices("a", "b", race=BETA, source="betco")]))
    assert market.priced_races(engine)[["race_key", "source", "drivers", "prices"]].to_numpy().tolist() == [
        [ALPHA, "acme", 1, 1],
        [BETA, "betco", 2, 2],
    ]
    later = dt.datetime.now(dt.UTC)
    for race in (ALPHA, BETA):
        for model in ("pool", "market"):
            _score(engine, race, model, later)
    assert market.repriced_races(engine) == set()
    assert market.remove_source(engine, "nobody") == 0
    assert len(reads.read_table(engine, schema.model_accuracy)) == 4
    assert market.remove_source(engine, "acme") == 1
    assert set(reads.read_table(engine, schema.model_accuracy)["model"]) == {"pool"}
    assert set(_stored(engine)["source"]) == {"betco"}
    assert market.repriced_races(engine) == {BETA}, "what is left is scored again"


def _summary(mean: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"period": ["all"], "horizon": "pre_race", "model": "m", "score": "brier", "races": 3, "mean": mean}
    ).assign(low=float("nan"), high=1.0, computed_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))


def test_whole_tables_are_replaced_together_or_not_at_all(engine: Engine) -> None:
    summaries, differences = schema.accuracy_summaries, schema.paired_differences
    for mean in (0.1, 0.2):
        replace_tables(engine, {summaries: _summary(mean), differences: pd.DataFrame()})
    assert reads.read_table(engine, summaries)["mean"].tolist() == [0.2]
    assert reads.read_table(engine, summaries)["low"].isna().all()
    broken = _summary(0.3).drop(columns="races")
    with pytest.raises(Exception, match=r"(?i)null"):
        replace_tables(engine, {summaries: _summary(0.4), differences: broken.rename(columns={"mean": "difference", "score": "reference"})})  # fmt: skip
    assert reads.read_table(engine, summaries)["mean"].tolist() == [0.2]
    replace_tables(engine, {summaries: pd.DataFrame()})
    assert reads.read_table(engine, summaries).empty


def test_a_table_of_races_is_not_replaced_as_a_whole(engine: Engine) -> None:
    market.add_prices(engine, _prices("a"))
    with pytest.raises(WriteRefused, match="market_odds: is replaced race by race"):
        replace_tables(engine, {schema.market_odds: pd.DataFrame()})
    assert len(_stored(engine)) == 1


def test_scores_from_before_there_were_all_of_them_are_out_of_date(engine: Engine) -> None:
    _score(engine, ALPHA, "pool", dt.datetime(2026, 1, 2, tzinfo=dt.UTC))
    assert reads.scored_hashes(engine)["result_hash"].tolist() == ["x"]
    with engine.begin() as connection:
        connection.execute(schema.model_accuracy.update().values(binary_brier=None))
    assert reads.scored_hashes(engine)["result_hash"].tolist() == [""]
