"""Line-ups that follow from live sessions: of the race itself, and of later races that nobody has listed yet."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd


def entries_of(rows: pd.DataFrame, listed: pd.DataFrame, final: bool) -> pd.DataFrame:
    """Entries of a race from who took part in a session.

    Args:
        rows: rows of the session.
        listed: the entries as they were known, which say the engines.
        final: of the race itself. Of an earlier session, a listed driver who was not in it stays where his team
            had fewer cars in it than are listed: he may still start.
    """
    who = rows.sort_values("display_order", kind="stable").drop_duplicates("driver_id")
    who = who[["race_key", "driver_id", "constructor_id", "car_number"]]
    engines = listed.drop_duplicates("constructor_id").set_index("constructor_id")["engine_id"]
    made = who.assign(engine_id=who["constructor_id"].map(engines), status="entered")
    if final:
        return made
    absent = listed[~listed["driver_id"].isin(made["driver_id"])]
    cars, present = listed["constructor_id"].value_counts(), made["constructor_id"].value_counts()
    free = (cars - present.reindex(cars.index, fill_value=0)).clip(lower=0)
    if absent.empty:
        return made
    kept = absent[absent.groupby("constructor_id").cumcount() < absent["constructor_id"].map(free)]
    return pd.concat([made, kept[list(made.columns)]], ignore_index=True)


def carried_to(
    race_key: str, races: pd.DataFrame, entries: pd.DataFrame, raced: Collection[str]
) -> list[str]:
    """Later races of the season that carry over the line-up of a race, because no newer one is known.

    Args:
        race_key: the race.
        races: the calendar. Cancelled races neither get a line-up nor end the list.
        entries: those of the bulk source. A race with others than ``projected`` ones ends the list, one without any
            is passed over.
        raced: races with a live result: each of them ends the list, its own line-up is newer.
    """
    season = races.loc[races["race_key"] == race_key, "season"].iloc[0]
    held = races[~races["is_cancelled"].astype("bool") | (races["race_key"] == race_key)]
    keys = (
        held[held["season"] == season].sort_values(["date", "race_key"], kind="stable")["race_key"].tolist()
    )
    statuses = entries.groupby("race_key")["status"].agg(set).to_dict()
    found: list[str] = []
    for later in keys[keys.index(race_key) + 1 :]:
        known = statuses.get(later, set())
        if later in raced or known - {"projected"}:
            break
        if known:
            found.append(later)
    return found


def same_seats(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether the same drivers sit in the same teams. Car numbers do not count: sources differ in them by habit."""
    seats = ["driver_id", "constructor_id"]
    return set(one[seats].itertuples(index=False, name=None)) == set(
        other[seats].itertuples(index=False, name=None)
    )
