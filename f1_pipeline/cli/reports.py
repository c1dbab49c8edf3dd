"""What the reading commands print. They read tables only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline import clock
from f1_pipeline.cli.output import (
    TableOrJson,
    console,
    notices,
    print_json,
    print_table,
)
from f1_pipeline.domain.calendar import days_due
from f1_pipeline.domain.vocabulary import ALL_MODELS, HORIZONS
from f1_pipeline.errors import NotReady
from f1_pipeline.settings import Settings
from f1_pipeline.storage import migrate, reads, schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.upcoming import calendar_now

if TYPE_CHECKING:
    from f1_pipeline.runs import Report


def open_tables(settings: Settings) -> Engine:
    """Engine of tables that are there and up to date.

    Raises:
        NotReady: there are none yet, or they are of another version.
    """
    url = settings.tables_url
    if settings.database_url is None and not (settings.home / "f1.db").is_file():
        raise NotReady(f"there are no data in {settings.home} yet: run `f1 update`")
    found, wanted = migrate.current(url), migrate.head()
    if found != wanted:
        raise NotReady(
            f"the tables are at revision {found or 'none'}, this version needs {wanted}: run `f1 db upgrade`"
        )
    return get_engine(url)


def print_update(report: Report) -> None:
    """What an update did, in a few lines."""
    if report.note:
        notices.print(f"[yellow]{report.note}[/]", soft_wrap=True)
    if report.idle:
        console.print(f"Nothing new in {report.source} {report.release}.")
    else:
        console.print(
            f"{report.changed_races} races taken in, {report.forecasts} forecasts and "
            f"{report.championships} championship forecasts made, {report.scores} races scored.",
            soft_wrap=True,
        )
    if report.weather:
        console.print(f"A new weather forecast of {report.weather} was taken.")
    if report.next_race:
        console.print(f"Next race: {report.next_race} (see `f1 forecast`).")


def check_choice(horizon: str | None, model: str | None, models: tuple[str, ...] = ALL_MODELS) -> None:
    """Raise ``NotReady`` for a horizon or a model that does not exist."""
    if horizon is not None and horizon not in HORIZONS:
        raise NotReady(f"no horizon {horizon!r}: there are {', '.join(HORIZONS)}")
    if model is not None and model not in models:
        raise NotReady(f"no model {model!r}: there are {', '.join(models)}")


def status(settings: Settings, output: TableOrJson) -> None:
    """Print what the tables hold and how old it is."""
    engine = open_tables(settings)
    found = read_status(engine, settings)
    if output is TableOrJson.json:
        print_json(found)
        return
    for name in ("source", "release", "loaded_at", "newest_result", "next_race", "next_race_date", "home"):
        console.print(f"{name.replace('_', ' '):>16}  {found[name] or '-'}", soft_wrap=True)
    live = found["live"]
    if live is not None:
        words = [
            (
                "Jolpica",
                f"{live['requests_last_hour']} of {live['requests_per_hour']} requests in the last hour",
            ),
            ("last asked", live["last_asked"] or "never"),
            ("next", live["next_due"] or "nothing is due in the coming days"),
        ]
        for name, text in words:
            console.print(f"{name:>16}  {text}", soft_wrap=True, markup=False)
        for text in live["refused"]:
            console.print(f"{'refused':>16}  {text}", style="yellow", soft_wrap=True, markup=False)
    for source, age in found["hours_since_good"].items():
        console.print(f"{source + ' seen':>16}  {age:.1f} h ago", soft_wrap=True)
    behind = found["days_behind"]
    if behind and not found["simulated"]:
        ago = "1 day ago" if behind == 1 else f"{behind} days ago"
        console.print(f"[yellow]The next race was due {ago}: newer data are out, or late.[/]")
    print_table(pd.DataFrame({"table": found["rows"].keys(), "rows": found["rows"].values()}))


def _live(engine: Engine, settings: Settings) -> dict[str, Any] | None:
    """What is asked of the weekend's API; None where it is off or the championship is simulated."""
    if not settings.jolpica_enabled or reads.held_source(engine) in (None, "simulated"):
        return None
    from f1_pipeline.automation.watch import coming
    from f1_pipeline.live import jolpica_budget
    from f1_pipeline.storage.polls import polls

    newest = polls(engine).values()
    asked = max(newest, key=lambda poll: poll.asked_at, default=None)
    due = coming(engine)
    return {
        "requests_last_hour": jolpica_budget(settings).used(),
        "requests_per_hour": settings.jolpica_per_hour,
        "last_asked": asked and f"{asked.asked_at:%Y-%m-%d %H:%M} UTC, {asked.subject}: {asked.outcome}",
        "refused": [f"{poll.subject}: {poll.message}" for poll in newest if poll.check_name is not None],
        "next_due": due and f"{due[0]:%Y-%m-%d %H:%M} UTC, {due[1].subject}",
    }


def _hours_since_good(engine: Engine, settings: Settings) -> dict[str, float]:
    """Age of the last good copy of each source, in hours: during an outage it grows, and the copy stays."""
    from f1_pipeline.storage.polls import polls

    now = clock.now()
    found: dict[str, float] = {}
    copy = settings.downloads_dir / "f1db.json"
    if settings.f1db_archive is None and copy.is_file():
        found["F1DB"] = now.timestamp() - copy.stat().st_mtime
    answered = [poll.answered_at for poll in polls(engine).values() if poll.answered_at is not None]
    if answered:
        found["Jolpica"] = (now - max(answered)).total_seconds()
    return {name: max(seconds, 0.0) / 3600 for name, seconds in found.items()}


def read_status(engine: Engine, settings: Settings) -> dict[str, Any]:
    """Source, release, newest result, next race, model versions and row counts."""
    calendar = reads.calendar(engine)
    finished = calendar[calendar["finished"]]
    upcoming = None
    date = None
    behind = 0
    if len(calendar):
        upcoming = calendar_now(engine, calendar).upcoming
        if upcoming:
            race = calendar.set_index("race_key").loc[upcoming]
            date = race["date"].date()
            start = race["start_at"]
            behind = days_due(date, None if pd.isna(start) else start.to_pydatetime(), clock.now())
    loads = reads.read_table(engine, schema.data_loads)
    return {
        "source": reads.held_source(engine),
        "release": reads.newest_release(engine),
        "simulated": reads.held_source(engine) == "simulated",
        "loaded_at": loads["loaded_at"].max() if len(loads) else None,
        "newest_result": finished["race_key"].iloc[-1] if len(finished) else None,
        "next_race": upcoming,
        "next_race_date": date,
        "days_behind": behind,
        "home": str(settings.home),
        "live": _live(engine, settings),
        "hours_since_good": _hours_since_good(engine, settings),
        "revision": migrate.current(settings.tables_url),
        "rows": reads.row_counts(engine),
    }
