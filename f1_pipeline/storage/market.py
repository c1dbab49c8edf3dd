"""The table of market prices."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Engine, delete, func, insert, select, update

from f1_pipeline import clock
from f1_pipeline.domain.vocabulary import MARKET
from f1_pipeline.storage import reads
from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.storage.records import read_frame, to_records
from f1_pipeline.storage.schema import (
    accuracy_summaries,
    market_odds,
    model_accuracy,
    paired_differences,
    reliability,
)

_KEY = ["race_key", "driver_id", "source", "taken_at"]


@dataclass(frozen=True)
class Imported:
    """What an import did: prices that were new, that were corrected, that were there already; races it changed."""

    new: int
    corrected: int
    unchanged: int
    races: tuple[str, ...]


def add_prices(engine: Engine, prices: pd.DataFrame) -> Imported:
    """Take prices in, in one transaction; what is there already stays as it is, with its time of import.

    ``prices``: ``race_key, driver_id, source, taken_at, decimal_odds``, each key once. Another price under a key
    that exists replaces it: that is how a wrong one is corrected.
    """
    there = reads.read_table(engine, market_odds, sorted(set(prices["race_key"])))
    there = there[[*_KEY, "decimal_odds"]].rename(columns={"decimal_odds": "stored"})
    # Databases keep microseconds; pandas would compare other units as they are.
    found = prices.assign(taken_at=prices["taken_at"].astype("datetime64[us, UTC]")).merge(
        there, on=_KEY, how="left", validate="one_to_one"
    )
    new, same = found["stored"].isna(), found["stored"] == found["decimal_odds"]
    corrected = found[~new & ~same]
    written = found[~same].drop(columns="stored").assign(imported_at=clock.now())
    if len(written):
        with write_transaction(engine) as connection:
            for row in to_records(market_odds, corrected[_KEY]):
                connection.execute(
                    delete(market_odds).where(*(market_odds.c[name] == value for name, value in row.items()))
                )
            connection.execute(insert(market_odds), to_records(market_odds, written))
    return Imported(
        int(new.sum()), len(corrected), int(same.sum()), tuple(sorted(set(written["race_key"].tolist())))
    )


def remove_source(engine: Engine, source: str) -> int:
    """Remove all prices of a source and every score of the market; how many prices there were.

    Scores that stood on them must not stay. The prices of other sources count as imported now, so that the next
    update scores the market on them again.
    """
    with write_transaction(engine) as connection:
        gone = connection.execute(delete(market_odds).where(market_odds.c.source == source)).rowcount
        if gone:
            connection.execute(update(market_odds).values(imported_at=clock.now()))
            for table in (model_accuracy, accuracy_summaries, paired_differences, reliability):
                connection.execute(delete(table).where(table.c.model == MARKET))
            connection.execute(delete(paired_differences).where(paired_differences.c.reference == MARKET))
    return int(gone)


def priced_races(engine: Engine) -> pd.DataFrame:
    """``race_key, source, drivers, prices, first, last`` of the prices, by race and source."""
    table = market_odds
    return read_frame(
        engine,
        select(
            table.c.race_key,
            table.c.source,
            func.count(table.c.driver_id.distinct()).label("drivers"),
            func.count().label("prices"),
            func.min(table.c.taken_at).label("first"),
            func.max(table.c.taken_at).label("last"),
        )
        .group_by(table.c.race_key, table.c.source)
        .order_by(table.c.race_key, table.c.source),
    )


def repriced_races(engine: Engine) -> set[str]:
    """Races that were scored before their newest prices were imported."""
    priced = select(market_odds.c.race_key, func.max(market_odds.c.imported_at)).group_by(
        market_odds.c.race_key
    )
    scored = select(model_accuracy.c.race_key, func.min(model_accuracy.c.scored_at)).group_by(
        model_accuracy.c.race_key
    )
    with engine.connect() as connection:
        newest = {str(key): moment for key, moment in connection.execute(priced)}
        first = {str(key): moment for key, moment in connection.execute(scored)} if newest else {}
    # A score of the future was made by a clock that was ahead, and would keep all prices out until then.
    now = clock.now()
    return {
        key for key, moment in newest.items() if key in first and (moment > first[key] or first[key] > now)
    }
