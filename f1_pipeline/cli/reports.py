"""What the reading commands print. They read tables only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline.automation.plan import next_race
from f1_pipeline.cli.output import (
    CsvOrJson,
    Format,
    TableOrJson,
    console,
    notices,
    print_csv,
    print_json,
    print_table,
    records,
)
from f1_pipeline.domain.vocabulary import ALL_MODELS, HORIZONS
from f1_pipeline.errors import NotReady
from f1_pipeline.settings import Settings
from f1_pipeline.storage import migrate, reads, schema
from f1_pipeline.storage.engine import get_engine

if TYPE_CHECKING:
    from f1_pipeline.update import Report

_EXPORT = [
    "race_key",
    "season",
    "round",
    "date",
    "horizon",
    "model",
    "model_version",
    "driver",
    "driver_code",
    "driver_name",
    "constructor",
    "win_probability",
    "interval_low",
    "interval_high",
    "podium_probability",
    "points_probability",
    "expected_position",
    "cutoff",
    "created_at",
    "data_release",
]


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
    if report.next_race:
        console.print(f"Next race: {report.next_race} (see `f1 forecast`).")


def check_choice(horizon: str | None, model: str | None, models: tuple[str, ...] = ALL_MODELS) -> None:
    """Raise ``NotReady`` for a horizon or a model that does not exist."""
    if horizon is not None and horizon not in HORIZONS:
        raise NotReady(f"no horizon {horizon!r}: there are {', '.join(HORIZONS)}")
    if model is not None and model not in models:
        raise NotReady(f"no model {model!r}: there are {', '.join(models)}")


def forecast(
    settings: Settings, race_key: str | None, horizon: str | None, model: str, output: Format
) -> None:
    """Print the forecast of one race."""
    check_choice(horizon, model)
    engine = open_tables(settings)
    calendar = reads.calendar(engine)
    if race_key is None:
        race_key = _next_race(calendar)
    if race_key not in set(calendar["race_key"]):
        raise NotReady(f"no race {race_key!r}: a race key is season and Grand Prix, such as 2026-monaco")
    season = int(race_key[:4])
    rows = reads.predictions_between(engine, season, season, horizon, model)
    rows = rows[rows["race_key"] == race_key]
    if rows.empty:
        raise NotReady(
            f"there is no forecast of {race_key} by {model}" + (f" at {horizon}" if horizon else "")
        )
    newest = "pre_race" if (rows["horizon"] == "pre_race").any() else "pre_weekend"
    rows = _export(rows[rows["horizon"] == newest])
    if output is Format.json:
        print_json(records(rows))
    elif output is Format.csv:
        print_csv(rows)
    else:
        _print_forecast(engine, rows, calendar[calendar["race_key"] == race_key].iloc[0])


def _print_forecast(engine: Engine, rows: pd.DataFrame, race: pd.Series) -> None:
    first = rows.iloc[0]
    known = "the entry list" if first["horizon"] == "pre_weekend" else "qualifying and the grid"
    if reads.held_source(engine) == "simulated":
        console.print("[yellow]Simulated championship: invented drivers, teams and results.[/]")
    shown = pd.DataFrame(
        {
            "driver": rows["driver_code"],
            "name": rows["driver_name"],
            "team": rows["constructor"],
            "win": rows["win_probability"],
            "95 %": [
                "-" if pd.isna(low) else f"{100 * low:.0f} to {100 * high:.0f}"
                for low, high in zip(rows["interval_low"], rows["interval_high"], strict=True)
            ],
            "podium": rows["podium_probability"],
            "points": rows["points_probability"],
            "place": rows["expected_position"].round(1),
        }
    )
    print_table(
        shown,
        f"{race['name']} {race['season']}, {race['date']:%d %B %Y}",
        percent=("win", "podium", "points"),
    )
    console.print(
        f"Made knowing {known}; cutoff {first['cutoff']:%Y-%m-%d %H:%M} UTC, made "
        f"{first['created_at']:%Y-%m-%d %H:%M} UTC by {first['model']} version {first['model_version']} "
        f"from {first['data_release']}.",
        soft_wrap=True,
    )
    if reads.held_source(engine) == "f1db":
        console.print("Data: F1DB (https://github.com/f1db/f1db), CC BY 4.0.")


def _export(rows: pd.DataFrame) -> pd.DataFrame:
    renamed = rows.rename(columns={"driver_id": "driver", "constructor_id": "constructor"})
    return renamed[_EXPORT].reset_index(drop=True)


def predictions(
    settings: Settings, start: int, end: int, horizon: str | None, model: str | None, output: CsvOrJson
) -> None:
    """Print forecasts, one row per race, horizon, model and driver."""
    check_choice(horizon, model)
    rows = _export(reads.predictions_between(open_tables(settings), start, end, horizon, model))
    if output is CsvOrJson.json:
        print_json(records(rows))
    else:
        print_csv(rows)


def status(settings: Settings, output: TableOrJson) -> None:
    """Print what the tables hold and how old it is."""
    engine = open_tables(settings)
    found = read_status(engine, settings)
    if output is TableOrJson.json:
        print_json(found)
        return
    for name in ("source", "release", "loaded_at", "newest_result", "next_race", "next_race_date", "home"):
        console.print(f"{name.replace('_', ' '):>16}  {found[name] or '-'}", soft_wrap=True)
    if found["days_behind"] and not found["simulated"]:
        console.print(
            f"[yellow]The next race was {found['days_behind']} days ago: newer data are out, or late.[/]"
        )
    print_table(pd.DataFrame({"table": found["rows"].keys(), "rows": found["rows"].values()}))


def read_status(engine: Engine, settings: Settings) -> dict[str, Any]:
    """Source, release, newest result, next race, model versions and row counts."""
    calendar = reads.calendar(engine)
    finished = calendar[calendar["finished"]]
    upcoming = None
    date = None
    if len(calendar):
        held = calendar[~calendar["is_cancelled"]]
        upcoming = next_race(held["race_key"].tolist(), set(finished["race_key"]))
        if upcoming:
            date = held.set_index("race_key")["date"].loc[upcoming].date()
    behind = (datetime.now(UTC).date() - date).days if date else 0
    loads = reads.read_table(engine, schema.data_loads)
    return {
        "source": reads.held_source(engine),
        "release": reads.newest_release(engine),
        "simulated": reads.held_source(engine) == "simulated",
        "loaded_at": loads["loaded_at"].max() if len(loads) else None,
        "newest_result": finished["race_key"].iloc[-1] if len(finished) else None,
        "next_race": upcoming,
        "next_race_date": date,
        "days_behind": max(behind, 0),
        "home": str(settings.home),
        "revision": migrate.current(settings.tables_url),
        "rows": reads.row_counts(engine),
    }


def _next_race(calendar: pd.DataFrame) -> str:
    held = calendar[~calendar["is_cancelled"]]
    upcoming = next_race(held["race_key"].tolist(), set(held.loc[held["finished"], "race_key"]))
    if upcoming is None:
        raise NotReady("the calendar has no race to come: run `f1 update`")
    return upcoming
