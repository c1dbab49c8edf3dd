"""One state out of two sources: the bulk source, and what a live source says on top of it.

Pure: the same versions give the same frames. The bulk source wins wherever it has rows that no live version was seen against,
so a correction lasts exactly until it publishes something else.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from f1_pipeline.domain.calendar import race_day
from f1_pipeline.sources.bundle import Origin, SourceBundle
from f1_pipeline.sources.contracts import check_bundle, conform
from f1_pipeline.sources.corrections import corrected
from f1_pipeline.sources.line_up import carried_to, entries_of, same_seats
from f1_pipeline.sources.live import (
    LIVE_TABLES,
    SCHEDULE,
    STANDINGS_TABLES,
    LiveSession,
    Slot,
    check_session,
    merged_digest,
    slot_hash,
    slot_rows,
)


def merge(bundle: SourceBundle, live: Mapping[Slot, LiveSession]) -> SourceBundle:
    """The bulk source's state with the live versions that add to it or correct it.

    - Where the bulk source has no rows of a slot, complete live rows are taken.
    - Where it has the very rows that the version was seen against, and the core differs, the core is corrected.
    - In all other cases the bulk source's rows stand. What is not complete is "not yet".
    - Standings are held back while their race has no result: the source labels them with the next round (fault 5).
    - A schedule moves the sessions of a race without a result (fault 8). Races are neither added nor removed by it.
    - Entries of a race follow who took part, because seats change hands on a Friday (fault 11). Its result carries them over
      to later races, as the bulk source does: to those ``projected`` ones that come before another known line-up.
    - The live source names no engines: a team stands in the standings with the one that it entered the race with.
    - Before the race there is no grid but the order of qualifying: it becomes the grid, marked ``is_provisional``. Penalties
      and starts from the pit lane are not in it, they are not known yet. A published grid takes its place, the result does
      not: a forecast that is made late must know what could be known in time.

    ``live`` holds the newest version of each slot.

    Raises:
        ContractViolation: a live version is impossible, or does not fit to the bulk source; names source, race and field.
    """
    usable = {slot: session for slot, session in live.items() if session.complete}
    if not usable:
        return bundle
    rows = {slot: check_session(session) for slot, session in usable.items()}
    merging = _Merging(bundle)
    for slot in sorted(usable, key=lambda slot: (LIVE_TABLES.index(slot.table), slot)):
        merging.take(usable[slot], rows[slot])
    merging.provisional_grids()
    merging.entries()
    merging.engines()
    return merging.result(merged_digest(bundle.digest, (session.mark for session in usable.values())))


class _Merging:
    """The tables while versions are laid on them, one after the other."""

    def __init__(self, bundle: SourceBundle) -> None:
        self.bundle = bundle
        self.tables = dict(bundle.tables)
        self.seen: dict[tuple[str, str], LiveSession] = {}
        self.taken: dict[Slot, LiveSession] = {}
        self.notes: list[str] = []
        self.known = set(bundle.tables["races"]["race_key"])

    def take(self, session: LiveSession, rows: pd.DataFrame) -> None:
        slot = session.slot
        if slot.race_key not in self.known:
            self.notes.append(
                f"{session.source}: {slot.race_key} is not on the calendar of {self.bundle.release}: held back"
            )
            return
        if slot.table == "races":
            self._schedule(session, rows)
            return
        if slot.table in STANDINGS_TABLES and not self._has_result(slot.race_key):
            self.notes.append(
                f"{session.source}: {slot.table} of {slot.race_key} are held back: the race has no result "
                "(labelled with the next round?)"
            )
            return
        frame = self.tables[slot.table]
        held = slot_rows(frame, slot)
        if held.empty:
            self.taken[slot] = session
        elif slot_hash(frame, slot) != session.against:
            return
        else:
            changed = corrected(slot.table, held, rows)
            if changed is None:
                return
            rows = changed
        self._replace(slot, rows, session)

    def _replace(self, slot: Slot, rows: pd.DataFrame, session: LiveSession) -> None:
        frame = self.tables[slot.table]
        rest = frame.drop(index=slot_rows(frame, slot).index)
        self.tables[slot.table] = pd.concat([rest, rows.astype(frame.dtypes.to_dict())], ignore_index=True)
        before = self.seen.get((slot.race_key, slot.table))
        if before is None or before.seen_at < session.seen_at:
            self.seen[(slot.race_key, slot.table)] = session

    def _has_result(self, race_key: str) -> bool:
        return bool((self.tables["race_results"]["race_key"] == race_key).any())

    def _schedule(self, session: LiveSession, rows: pd.DataFrame) -> None:
        races = self.tables["races"]
        if self._has_result(session.slot.race_key) or slot_hash(races, session.slot) != session.against:
            return
        races = races.copy()
        at = races["race_key"] == session.slot.race_key
        for name in SCHEDULE:
            if name != "date" and rows[name].notna().all():
                races.loc[at, name] = rows[name].iloc[0]
        races.loc[at, "date"] = self._day(races[at].to_dict("records")[0], rows["date"].iloc[0])
        self.tables["races"] = races

    def _day(self, race: Mapping[Hashable, Any], stated: pd.Timestamp) -> pd.Timestamp:
        """The day at the track. The live source states that of UTC, which says nothing of one day more or less."""
        if pd.notna(race["start_at"]):
            zones = self.tables["circuits"].set_index("circuit_id")["time_zone"].dropna().to_dict()
            day = race_day(race["start_at"].date(), race["start_at"], zones.get(race["circuit_id"]))
            return pd.Timestamp(day)
        return stated if abs(stated - race["date"]) > pd.Timedelta(days=1) else pd.Timestamp(race["date"])

    def provisional_grids(self) -> None:
        for slot, session in list(self.taken.items()):
            if (slot.table, slot.session) != ("qualifying_results", "Q"):
                continue
            grid = Slot(slot.race_key, "starting_grid", "R")
            published = bool((self.bundle.tables["race_results"]["race_key"] == slot.race_key).any())
            if published or len(slot_rows(self.tables["starting_grid"], grid)):
                continue
            rows = slot_rows(self.tables["qualifying_results"], slot)
            self._replace(grid, provisional_grid(rows), session)

    def entries(self) -> None:
        """The entries of races that live rows were taken for, from the session that says most.

        After a result the line-up of later races follows: who lost his seat was forecast until the bulk source published.
        """
        told: dict[str, Slot] = {}
        for slot in self.taken:
            rank = _TELLS.get((slot.table, slot.session))
            if rank is not None:
                best = told.setdefault(slot.race_key, slot)
                if rank < _TELLS[(best.table, best.session)]:
                    told[slot.race_key] = slot
        in_bulk = set(self.bundle.tables["race_results"]["race_key"])
        live = {race: slot for race, slot in told.items() if race not in in_bulk}
        raced = {race for race, slot in live.items() if slot.table == "race_results"}
        day = self.tables["races"].set_index("race_key")["date"]
        for race, slot in sorted(live.items(), key=lambda item: (day[item[0]], item[0])):
            rows = slot_rows(self.tables[slot.table], slot)
            made = entries_of(rows, self._entries(race), final=race in raced)
            self._replace(Slot(race, "entries"), made, self.taken[slot])
            if race not in raced or not self._known(made):
                continue
            # The statuses of the bulk source: a race with a live qualifying does not end what is carried over.
            for later in carried_to(race, self.tables["races"], self.bundle.tables["entries"], raced):
                if not same_seats(made, self._entries(later)):
                    line_up = made.assign(race_key=later, status="projected")
                    self._replace(Slot(later, "entries"), line_up, self.taken[slot])

    def _entries(self, race_key: str) -> pd.DataFrame:
        return slot_rows(self.tables["entries"], Slot(race_key, "entries"))

    def _known(self, entries: pd.DataFrame) -> bool:
        """Whether all of them are in the reference tables; else the race itself is refused, and by its own name."""
        return all(
            bool(entries[f"{kind}_id"].isin(self.tables[f"{kind}s"][f"{kind}_id"]).all())
            for kind in ("driver", "constructor")
        )

    def engines(self) -> None:
        """The engines of standings that live rows were taken for: constructor and engine are the key of a team.

        Without them every team had no wins, no podiums and one point in the chart until the bulk source published.
        """
        for slot, session in list(self.taken.items()):
            if slot.table == "constructor_standings":
                rows = slot_rows(self.tables[slot.table], slot)
                self._replace(slot, with_engines(rows, self._entered(slot.race_key)), session)

    def _entered(self, race_key: str) -> pd.DataFrame:
        """Entries of the season up to a race, the newest first."""
        races = self.tables["races"].set_index("race_key")
        season, day = races.loc[race_key, ["season", "date"]]
        before = races[(races["season"] == season) & (races["date"] <= day)].sort_values(
            "date", ascending=False, kind="stable"
        )
        entries = self.tables["entries"]
        place = entries["race_key"].map(dict(zip(before.index, range(len(before)), strict=True)))
        return entries[place.notna()].assign(place=place).sort_values("place", kind="stable")

    def result(self, digest: str) -> SourceBundle:
        """The merged state, checked as a whole."""
        source = f"{self.bundle.source} with live sessions"
        for table, frame in self.tables.items():
            if frame is not self.bundle.tables[table]:
                self.tables[table] = conform(table, frame, source)
        check_bundle(self.tables, source)
        origins = {key: Origin(session.source, session.release) for key, session in self.seen.items()}
        return SourceBundle(
            self.bundle.source, self.bundle.release, digest, self.tables, origins, tuple(self.notes)
        )


_TELLS = {("race_results", ""): 0, ("qualifying_results", "Q"): 1, ("sprint_results", ""): 2}
"""Sessions that say who takes part; the last one of a weekend first."""


def provisional_grid(qualifying: pd.DataFrame) -> pd.DataFrame:
    """The order of qualifying as a starting grid of session ``R``, marked ``is_provisional``.

    A place penalty, a start from the pit lane and who is not allowed to start are not in it: before the race no source
    that is free says so. Who set no time stands behind everybody who did.
    """
    rows = qualifying.sort_values("display_order", kind="stable").drop_duplicates("driver_id")
    place = pd.array(range(1, len(rows) + 1), dtype="Int64")
    best = rows["q3_ms"].fillna(rows["q2_ms"]).fillna(rows["q1_ms"]).fillna(rows["time_ms"])
    return rows[["race_key", "driver_id", "constructor_id", "car_number"]].assign(
        session="R",
        display_order=place,
        position=place,
        position_text=[str(number) for number in place],
        qualifying_position=rows["position"],
        penalty=None,
        time_ms=best,
        is_provisional=True,
    )


def with_engines(standings: pd.DataFrame, entered: pd.DataFrame) -> pd.DataFrame:
    """Standings of constructors with the engine of the first of its entries that names one; what is stated stands."""
    named = entered.dropna(subset=["engine_id"]).drop_duplicates("constructor_id")
    engines = standings["constructor_id"].map(named.set_index("constructor_id")["engine_id"])
    return standings.assign(engine_id=standings["engine_id"].fillna(engines))
