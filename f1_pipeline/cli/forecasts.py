"""What `f1 forecast` and `f1 predictions` print: forecasts of races and sprints, and the reasons behind them."""

from __future__ import annotations

from typing import Literal

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline.cli.output import CsvOrJson, Format, console, print_csv, print_json, print_table, records
from f1_pipeline.cli.reports import check_choice, open_tables
from f1_pipeline.domain.vocabulary import POOL, SPRINT_HORIZONS
from f1_pipeline.errors import NotReady
from f1_pipeline.settings import Settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.upcoming import calendar_now

View = Literal["race", "sprint", "why"]

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
    "top6_probability",
    "points_probability",
    "expected_position",
    "expected_points",
    "retirement_probability",
    "cutoff",
    "created_at",
    "data_release",
]


def forecast(
    settings: Settings,
    race_key: str | None,
    horizon: str | None,
    model: str,
    output: Format,
    view: View = "race",
) -> None:
    """Print the forecast of one race; or that of its sprint, or the reasons of the shown model."""
    check_choice(None if view == "sprint" and horizon in SPRINT_HORIZONS else horizon, model)
    engine = open_tables(settings)
    calendar = reads.calendar(engine)
    if race_key is None:
        race_key = _next_race(engine, calendar)
    if race_key not in set(calendar["race_key"]):
        raise NotReady(f"no race {race_key!r}: a race key is season and Grand Prix, such as 2026-monaco")
    if view != "race":
        rows = _sprint(engine, race_key, horizon) if view == "sprint" else _reasons(engine, race_key, horizon)
        if output is Format.json:
            print_json(records(rows))
        elif output is Format.csv:
            print_csv(rows)
        else:
            _print_view(rows, view, race_key)
        return
    season = int(race_key[:4])
    rows = reads.predictions_between(engine, season, season, horizon, model)
    rows = rows[rows["race_key"] == race_key]
    if rows.empty:
        raise _no_forecast(race_key, model, horizon)
    newest = "pre_race" if (rows["horizon"] == "pre_race").any() else "pre_weekend"
    rows = export(rows[rows["horizon"] == newest])
    if output is Format.json:
        print_json(records(rows))
    elif output is Format.csv:
        print_csv(rows)
    else:
        _print_forecast(engine, rows, calendar[calendar["race_key"] == race_key].iloc[0])


def _no_forecast(race_key: str, model: str, horizon: str | None) -> NotReady:
    return NotReady(f"there is no forecast of {race_key} by {model}" + (f" at {horizon}" if horizon else ""))


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
            "retires": rows["retirement_probability"],
            "place": rows["expected_position"],
        }
    )
    print_table(
        shown,
        f"{race['name']} {race['season']}, {race['date']:%d %B %Y}",
        percent=("win", "podium", "points", "retires"),
        places={"place": 1},
    )
    console.print(
        f"Made knowing {known}; cutoff {first['cutoff']:%Y-%m-%d %H:%M} UTC, made "
        f"{first['created_at']:%Y-%m-%d %H:%M} UTC by {first['model']} version {first['model_version']} "
        f"from {first['data_release']}.",
        soft_wrap=True,
    )
    if reads.held_source(engine) == "f1db":
        console.print("Data: F1DB (https://github.com/f1db/f1db), CC BY 4.0.")


def _sprint(engine: Engine, race_key: str, horizon: str | None) -> pd.DataFrame:
    rows = reads.read_table(engine, schema.sprint_predictions, [race_key], model="rating")
    held = set(rows["horizon"])
    newest = horizon or next((name for name in reversed(SPRINT_HORIZONS) if name in held), None)
    rows = rows[rows["horizon"] == newest]
    if rows.empty:
        raise NotReady(
            f"there is no forecast of a sprint at {race_key}" + (f" at {horizon}" if horizon else "")
        )
    columns = ["model", "seed"]
    rows = rows.sort_values(
        ["win_probability", "expected_position", "driver_id"], ascending=[False, True, True], kind="stable"
    )
    return _named(engine, rows.drop(columns=columns))


def _reasons(engine: Engine, race_key: str, horizon: str | None) -> pd.DataFrame:
    """One row per driver: the contribution of each group, and their sum, the logarithm of the chance to win; best first."""
    at = {"horizon": horizon} if horizon else {}
    if race_key not in reads.race_keys_with(engine, schema.predictions, model=POOL, **at):
        raise _no_forecast(race_key, POOL, horizon)
    rows = reads.read_table(engine, schema.prediction_reasons, [race_key], model=POOL)
    newest = horizon or ("pre_race" if (rows["horizon"] == "pre_race").any() else "pre_weekend")
    rows = rows[rows["horizon"] == newest]
    if rows.empty:
        raise NotReady(f"no reasons are stored for {race_key}: its forecast was made by an earlier version")
    wide = rows.pivot(index="driver_id", columns="feature_group", values="contribution")
    wide = wide.assign(log_chance=wide.sum(axis=1)).sort_values("log_chance", ascending=False)
    head = {"race_key": race_key, "horizon": newest}
    return _named(engine, wide.reset_index().assign(**head).rename_axis(columns=None))


def _named(engine: Engine, rows: pd.DataFrame) -> pd.DataFrame:
    drivers = reads.read_table(engine, schema.drivers).set_index("driver_id")
    found = drivers.reindex(rows["driver_id"])
    return rows.assign(
        driver_code=found["code"].to_numpy(), driver_name=found["name"].to_numpy()
    ).reset_index(drop=True)


def _print_view(rows: pd.DataFrame, view: View, race_key: str) -> None:
    head = pd.DataFrame({"driver": rows["driver_code"], "name": rows["driver_name"]})
    if view == "why":
        known = ("race_key", "horizon", "driver_id", "driver_code", "driver_name")
        groups = rows[[name for name in rows.columns if name not in known]]
        print_table(
            pd.concat([head, groups], axis=1),
            f"{race_key}, {rows['horizon'].iloc[0]}: what moved the forecast, as logarithm of the chance to win against the mean of the field",
            places=dict.fromkeys(groups.columns, 2),
        )
        return
    shown = head.assign(
        win=rows["win_probability"],
        podium=rows["podium_probability"],
        points=rows["points_probability"],
        retires=rows["retirement_probability"],
        place=rows["expected_position"],
    )
    print_table(
        shown,
        f"Sprint of {race_key}, {rows['horizon'].iloc[0]}",
        percent=("win", "podium", "points", "retires"),
        places={"place": 1},
    )


def export(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``reads.predictions_between`` with the names that exports use."""
    renamed = rows.rename(columns={"driver_id": "driver", "constructor_id": "constructor"})
    return renamed[_EXPORT].reset_index(drop=True)


def predictions(
    settings: Settings, start: int, end: int, horizon: str | None, model: str | None, output: CsvOrJson
) -> None:
    """Print forecasts, one row per race, horizon, model and driver."""
    check_choice(horizon, model)
    rows = export(reads.predictions_between(open_tables(settings), start, end, horizon, model))
    if output is CsvOrJson.json:
        print_json(records(rows))
    else:
        print_csv(rows)


def _next_race(engine: Engine, calendar: pd.DataFrame) -> str:
    upcoming = calendar_now(engine, calendar).upcoming
    if upcoming is None:
        raise NotReady("the calendar has no race to come: run `f1 update`")
    return upcoming
