"""Carries decisions out: asks the weekend's API, keeps what is new, and records what came of it. No Dagster.

What an answer says is kept as a version of a live session; an update takes it into the tables. Whatever is wrong with an
answer is recorded under the name of the law that it broke, and the tables stay as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline import clock, live, snapshot
from f1_pipeline.automation.answers import calendar_rows, race_keys, states_other_times, whole_rows
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
from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.sources.corrections import corrected
from f1_pipeline.sources.jolpica import Answer, JolpicaClient
from f1_pipeline.sources.live import LiveSession, Slot, slot_hash, slot_rows
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.live import remember
from f1_pipeline.storage.polls import Poll, complete_versions, final_races, polls, record

_CHECK_OF = {SourceRefused: "answer", UnknownIdentity: "identity", ContractViolation: "content"}
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

    def _carry_out(
        self, subject: str, ask: Callable[[JolpicaClient], tuple[list[str], str | None]]
    ) -> Outcome:
        now = clock.now()
        before = polls(self._engine).get(subject)
        answered = before.answered_at if before else None
        poll = Poll(subject, now, "same", now)
        new: list[str] = []
        if self._client is None:
            return Outcome(replace(poll, outcome="stopped", message="the API is turned off"))
        try:
            new, message = ask(self._client)
            outcome = "new" if new else "not yet" if message else "same"
            poll = replace(poll, outcome=outcome, message=message)
        except (BudgetExhausted, SourceBusy) as error:
            asked_at = before.asked_at if before and isinstance(error, BudgetExhausted) else now
            retry_at = clock.on_this_clock(error.retry_at)
            poll = Poll(subject, asked_at, "stopped", answered, message=str(error), retry_at=retry_at)
        except SourceUnavailable as error:
            poll = Poll(subject, now, "failed", answered, message=str(error))
        except _BrokenCalendar as error:
            new, poll = error.new, Poll(subject, now, "refused", now, "calendar", str(error))
        except (SourceRefused, UnknownIdentity, ContractViolation) as error:
            poll = Poll(subject, now, "refused", answered, _CHECK_OF[type(error)], str(error))
        record(self._engine, poll)
        mended = before is not None and before.check_name is not None and poll.outcome in ("new", "same")
        return Outcome(poll, tuple(new), mended)

    # --- questions: what is new, and why there is nothing yet ----------------------------------------------

    def _ask_session(self, client: JolpicaClient, session: Session) -> tuple[list[str], str | None]:
        season = int(session.race_key[:4])
        for force in (False, True):
            rounds = self._rounds(client, season, force)
            number = rounds.get(session.race_key)
            if number is None:
                continue
            answer = _ASK[session.kind](client, season, number, force=True)
            if not answer.items:
                return [], "no rows"
            standings = session.kind.endswith("standings")
            keys = (
                {(season, number): session.race_key}
                if standings
                else race_keys(answer.items, season, self._known)
            )
            if set(keys.values()) != {session.race_key}:
                continue  # rounds were renumbered since the calendar was read
            return self._take(session.kind, answer, season, keys)
        return [], "it is not on the calendar of the source"

    def _rounds(self, client: JolpicaClient, season: int, force: bool) -> dict[str, int]:
        answer = client.schedule(season, force=force)
        return {key: number for (_, number), key in race_keys(answer.items, season, self._known).items()}

    def _results(self, client: JolpicaClient, season: int) -> tuple[list[str], str | None]:
        """Results and sprints of the whole season: a result was changed months later, and twice (fault 6)."""
        new: list[str] = []
        waiting: list[str] = []
        for kind in ("race", "sprint"):
            answer = _ASK[kind](client, season, force=True)
            found, message = self._take(kind, answer, season, race_keys(answer.items, season, self._known))
            new += found
            waiting += [message] if message else []
        return new, "; ".join(waiting) or None

    def _standings(self, client: JolpicaClient, season: int) -> tuple[list[str], str | None]:
        """Standings after the last race that has a result; the source may label them with the next round (fault 5)."""
        calendar = reads.calendar(self._engine)
        run = calendar[(calendar["season"] == season) & calendar["finished"]]
        if run.empty:
            return [], "no race of the season has a result"
        race = str(run["race_key"].iloc[-1])
        number = self._rounds(client, season, force=False).get(race)
        if number is None:
            return [], f"{race} is not on the calendar of the source"
        new: list[str] = []
        waiting: list[str] = []
        for kind in ("driver_standings", "constructor_standings"):
            answer = _ASK[kind](client, season, number, force=True)
            found, message = self._take(kind, answer, season, {(season, number): race})
            new += found
            waiting += [message] if message else []
        return new, "; ".join(waiting) or None

    def _calendar(self, client: JolpicaClient, season: int) -> tuple[list[str], str | None]:
        answer = client.schedule(season, force=True)
        rows, _, faults = calendar_rows(answer.items, season, self._known)
        new = self._keep(rows)
        if faults:
            raise _BrokenCalendar("; ".join(faults), new)
        return new, None if rows else "no races"

    # --- what is kept ----------------------------------------------------------------------------------------

    def _take(
        self, kind: Kind, answer: Answer, season: int, keys: dict[tuple[int, int], str]
    ) -> tuple[list[str], str | None]:
        races = sorted(set(keys.values()))
        entries = reads.read_table(self._engine, schema.entries, races) if races else pd.DataFrame()
        expected = (
            {str(race): set(rows["driver_id"]) for race, rows in entries.groupby("race_key")}
            if len(entries)
            else {}
        )
        rows, waiting = whole_rows(
            kind, answer.items, season, self._known, keys, expected, self._settled(kind, races)
        )
        return self._keep(rows), f"not whole yet: {', '.join(waiting)}" if waiting else None

    def _settled(self, kind: Kind, races: list[str]) -> set[str]:
        if kind != "qualifying":
            return set()
        starts = reads.calendar(self._engine).set_index("race_key")["qualifying_at"].reindex(races)
        over = starts + FIRST_ASKED[kind] + _SETTLED <= clock.now()
        return set(starts.index[over])

    def _keep(self, rows: dict[Slot, pd.DataFrame]) -> list[str]:
        """Keep versions that add to the bulk source or correct it; of those that exist already only the time moves."""
        known = complete_versions(self._engine)
        now, new = clock.now(), []
        bulk: SourceBundle | None = None
        for slot, frame in rows.items():
            session = LiveSession(slot, frame, now, complete=True)
            if known.get(slot) == session.content_hash:
                remember(self._engine, session)
                continue
            bulk = bulk or snapshot.load_bulk(snapshot.remembered(self._settings))
            if slot not in known and not _says_more(bulk, slot, frame):
                continue
            against = slot_hash(bulk.tables[slot.table], slot)
            if remember(self._engine, replace(session, against=against)):
                new.append(f"{slot.race_key} {slot.table} {session.content_hash[:12]}")
        return new


class _BrokenCalendar(Exception):
    """Times that cannot be; the other races are taken."""

    def __init__(self, message: str, new: list[str]) -> None:
        super().__init__(message)
        self.new = new


def _says_more(bulk: SourceBundle, slot: Slot, rows: pd.DataFrame) -> bool:
    """Whether rows add to what the bulk source has, or correct it; habits of the source do not count."""
    held = slot_rows(bulk.tables[slot.table], slot)
    if slot.table == "races":
        has_result = bool((bulk.tables["race_results"]["race_key"] == slot.race_key).any())
        return len(held) > 0 and not has_result and states_other_times(rows, held)
    if held.empty:
        return True
    # A grid as the result states it is poorer than one that was published.
    return slot.table != "starting_grid" and corrected(slot.table, held, rows) is not None


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
