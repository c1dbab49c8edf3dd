"""Carries decisions out: asks the weekend's API, keeps what is new, and records what came of it. No Dagster.

What an answer says is kept as a version of a live session; an update takes it into the tables. Whatever is wrong with an
answer is recorded under the name of the law that it broke, and the tables stay as they were.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline import clock, live
from f1_pipeline.automation.answers import calendar_rows, race_keys, whole_rows
from f1_pipeline.automation.decisions import (
    FIRST_ASKED,
    TABLES,
    Kind,
    Seen,
    Session,
    Topic,
    next_due,
    sessions_due,
)
from f1_pipeline.automation.keeping import Found, check_of, keep
from f1_pipeline.domain.identity import Crosswalk, crosswalk
from f1_pipeline.errors import (
    BudgetExhausted,
    ContractViolation,
    SourceBusy,
    SourceRefused,
    SourceUnavailable,
    UnknownIdentity,
)
from f1_pipeline.settings import Settings
from f1_pipeline.sources.jolpica import Answer, JolpicaClient
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.polls import Poll, complete_versions, final_races, polls, record

logger = logging.getLogger(__name__)

_WINDOW = timedelta(days=10)
_SETTLED = timedelta(hours=3)
"""After the first question for a qualifying, what is there counts as all of it."""
_ASK: dict[Kind, Callable[..., Answer]] = {
    "race": JolpicaClient.results,
    "sprint": JolpicaClient.sprint,
    "qualifying": JolpicaClient.qualifying,
    "driver_standings": JolpicaClient.driver_standings,
    "constructor_standings": JolpicaClient.constructor_standings,
}
_STARTS: dict[Kind, str] = {
    "race": "start_at",
    "sprint": "sprint_at",
    "qualifying": "qualifying_at",
    "driver_standings": "start_at",
    "constructor_standings": "start_at",
}


@dataclass(frozen=True)
class Outcome:
    """What came of one question. ``new``: what is new, as texts of slot and content, for run keys."""

    poll: Poll
    new: tuple[str, ...] = ()
    mended: bool = field(default=False)
    """The last question about this subject broke a law, and this one did not."""

    @property
    def stopped(self) -> bool:
        """Nothing more can be asked for now."""
        return self.poll.outcome == "stopped"

    def __str__(self) -> str:
        return f"{self.poll.subject}: {self.poll.outcome}" + (
            f" ({self.poll.message})" if self.poll.message else ""
        )


class Watch:
    """One look at the weekend's API. Use it in a ``with`` statement.

    Args:
        settings: of the installation.
        engine: of its tables.
        patient: retry transient failures with the waits of the settings; else the next tick is the retry.
        known: who is who, if not the reviewed rows.

    Raises:
        SourceUnavailable: the cache cannot be used.
    """

    def __init__(
        self, settings: Settings, engine: Engine, patient: bool = False, known: Crosswalk | None = None
    ) -> None:
        if not patient:
            settings = settings.model_copy(update={"http_retry_seconds": ""})
        self._settings, self._engine = settings, engine
        self._known = known or crosswalk()
        self._client = live.jolpica(settings)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    def due(self) -> list[Session]:
        """Sessions to ask for now; none where the API is turned off."""
        if self._client is None:
            return []
        sessions, seen, asked = questions(self._engine)
        return sessions_due(sessions, seen, asked, clock.now())

    def session(self, session: Session) -> Outcome:
        """Ask for one session."""
        return self._carry_out(session.subject, lambda client: self._ask_session(client, session))

    def topic(self, topic: Topic) -> Outcome:
        """Ask for the calendar, the results or the standings of the season that the present year is."""
        season = clock.now().year
        asks = {"calendar": self._calendar, "results": self._results, "standings": self._standings}
        return self._carry_out(f"{season} {topic}", lambda client: asks[topic](client, season))

    def _carry_out(self, subject: str, ask: Callable[[JolpicaClient], Found]) -> Outcome:
        now = clock.now()
        before = polls(self._engine).get(subject)
        answered = before.answered_at if before else None
        poll = Poll(subject, now, "same", now)
        found = Found()
        if self._client is None:
            return Outcome(replace(poll, outcome="stopped", message="the API is turned off"))
        try:
            found = ask(self._client)
            poll = _answered(poll, found)
        except (BudgetExhausted, SourceBusy) as error:
            asked_at = before.asked_at if before and isinstance(error, BudgetExhausted) else now
            retry_at = clock.on_this_clock(error.retry_at)
            poll = Poll(subject, asked_at, "stopped", answered, message=str(error), retry_at=retry_at)
        except SourceUnavailable as error:
            poll = Poll(subject, now, "failed", answered, message=str(error))
        except (SourceRefused, UnknownIdentity, ContractViolation) as error:
            poll = Poll(subject, now, "refused", answered, check_of(error), str(error))
        if poll.check_name is not None:
            logger.warning("%s: refused: %s", subject, poll.message)
        record(self._engine, poll)
        mended = before is not None and before.check_name is not None and poll.outcome in ("new", "same")
        return Outcome(poll, found.new, mended)

    # --- questions ----------------------------------------------

    def _ask_session(self, client: JolpicaClient, session: Session) -> Found:
        season = int(session.race_key[:4])
        for force in (False, True):
            rounds = self._rounds(client, season, force)
            number = rounds.get(session.race_key)
            if number is None:
                continue
            answer = _ASK[session.kind](client, season, number, force=True)
            if not answer.items:
                return Found(waiting=("no rows",))
            standings = session.kind.endswith("standings")
            keys = (
                {(season, number): session.race_key}
                if standings
                else race_keys(answer.items, season, self._known)
            )
            if set(keys.values()) != {session.race_key}:
                continue  # rounds were renumbered since the calendar was read
            return self._take(session.kind, answer.items, season, keys)
        return Found(waiting=("it is not on the calendar of the source",))

    def _rounds(self, client: JolpicaClient, season: int, force: bool) -> dict[str, int]:
        answer = client.schedule(season, force=force)
        return {key: number for (_, number), key in race_keys(answer.items, season, self._known).items()}

    def _results(self, client: JolpicaClient, season: int) -> Found:
        """Results and sprints of the whole season: a result was changed months later, and twice (fault 6)."""
        found = Found()
        for kind in ("race", "sprint"):
            answer = _ASK[kind](client, season, force=True)
            # Race by race: one that is wrong must not keep the corrections of all others away.
            for item in answer.items:
                found += self._one_race(kind, item, season)
        return found

    def _one_race(self, kind: Kind, item: dict[str, Any], season: int) -> Found:
        name = f"{season} round {item.get('round')}"
        try:
            keys = race_keys([item], season, self._known)
            name = next(iter(keys.values()))
            return self._take(kind, [item], season, keys)
        except (UnknownIdentity, ContractViolation) as error:
            return Found(refused=((check_of(error), f"{name} {kind}: {error}"),))

    def _standings(self, client: JolpicaClient, season: int) -> Found:
        """Standings after the last race that has a result; the source may label them with the next round (fault 5)."""
        calendar = reads.calendar(self._engine)
        run = calendar[(calendar["season"] == season) & calendar["finished"]]
        if run.empty:
            return Found(waiting=("no race of the season has a result",))
        race = str(run["race_key"].iloc[-1])
        number = self._rounds(client, season, force=False).get(race)
        if number is None:
            return Found(waiting=(f"{race} is not on the calendar of the source",))
        found = Found()
        for kind in ("driver_standings", "constructor_standings"):
            answer = _ASK[kind](client, season, number, force=True)
            found += self._take(kind, answer.items, season, {(season, number): race})
        return found

    def _calendar(self, client: JolpicaClient, season: int) -> Found:
        answer = client.schedule(season, force=True)
        rows, _, faults = calendar_rows(answer.items, season, self._known)
        found = keep(self._settings, self._engine, rows)
        return found + Found(
            waiting=() if rows else ("no races",), refused=tuple(("calendar", fault) for fault in faults)
        )

    # --- what is kept ----------------------------------------------------------------------------------------

    def _take(
        self, kind: Kind, items: list[dict[str, Any]], season: int, keys: dict[tuple[int, int], str]
    ) -> Found:
        races = sorted(set(keys.values()))
        entries = reads.read_table(self._engine, schema.entries, races) if races else pd.DataFrame()
        expected = (
            {str(race): set(rows["driver_id"]) for race, rows in entries.groupby("race_key")}
            if len(entries)
            else {}
        )
        rows, waiting = whole_rows(
            kind, items, season, self._known, keys, expected, self._settled(kind, races)
        )
        late = (f"not whole yet: {', '.join(waiting)}",) if waiting else ()
        return keep(self._settings, self._engine, rows) + Found(waiting=late)

    def _settled(self, kind: Kind, races: list[str]) -> set[str]:
        if kind != "qualifying":
            return set()
        starts = reads.calendar(self._engine).set_index("race_key")["qualifying_at"].reindex(races)
        over = starts + FIRST_ASKED[kind] + _SETTLED <= clock.now()
        return set(starts.index[over])


def _answered(poll: Poll, found: Found) -> Poll:
    """The record of a question that was answered."""
    if found.refused:
        said = "; ".join(text for _, text in found.refused)
        return replace(poll, outcome="refused", check_name=found.refused[0][0], message=said)
    outcome = "new" if found.new else "not yet" if found.waiting else "same"
    return replace(poll, outcome=outcome, message="; ".join(found.waiting) or None)


def questions(engine: Engine) -> tuple[list[Session], Seen, dict[str, datetime]]:
    """What ``sessions_due`` and ``next_due`` want to know: sessions around now, what is there, and what was asked when."""
    calendar = reads.calendar(engine)
    calendar = calendar[~calendar["is_cancelled"].astype("bool") & calendar["start_at"].notna()]
    now = clock.now()
    near = calendar[calendar["start_at"].between(now - _WINDOW, now + _WINDOW)]
    sessions = [
        Session(str(race["race_key"]), kind, race[column].to_pydatetime())
        for race in near.to_dict("records")
        for kind, column in _STARTS.items()
        if pd.notna(race[column])
    ]
    keys = near["race_key"].tolist()
    complete: set[tuple[str, Kind]] = set()
    versions = complete_versions(engine)
    for kind, table in TABLES.items():
        narrow = {"session": "Q"} if kind == "qualifying" else {}
        held = reads.race_keys_with(engine, schema.metadata.tables[table], **narrow)
        there = held | {slot.race_key for slot in versions if slot.table == table}
        complete |= {(key, kind) for key in keys if key in there}
    asked = {subject: poll.asked_at for subject, poll in polls(engine).items() if poll.asked}
    return sessions, Seen(complete, final_races(engine, keys)), asked


def coming(engine: Engine) -> tuple[datetime, Session] | None:
    """The next moment at which a session is asked for, and which; None if none is in sight."""
    return next_due(*questions(engine), clock.now())
