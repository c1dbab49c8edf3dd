"""What ``f1 championship`` prints. It reads tables only."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline.cli.output import Format, console, print_csv, print_json, print_table, records
from f1_pipeline.domain.championship_rules import KINDS
from f1_pipeline.errors import NotReady
from f1_pipeline.storage import reads, schema

_COLUMNS = [
    "race_key",
    "kind",
    "entity",
    "name",
    "points",
    "expected_points",
    "points_low",
    "points_high",
    "expected_position",
    "title_probability",
    "top3_probability",
    "can_win",
    "races_left",
    "draws",
    "seed",
    "cutoff",
    "created_at",
    "data_release",
]

_LISTED = 6
"""Title chances beside each other in a table of scenarios; JSON and CSV have all."""


def championship(
    engine: Engine, season: int | None, after_round: int | None, kind: str, what_if: bool, output: Format
) -> None:
    """Print the championship as it is forecast: before the next race, or after a round of a season.

    Raises:
        NotReady: there is no such championship, or no forecast of it.
    """
    if kind not in KINDS:
        raise NotReady(f"no championship of {kind!r}: there are {', '.join(KINDS)}")
    calendar = reads.calendar(engine)
    calendar = calendar[~calendar["is_cancelled"]]
    race = _race(engine, calendar, season, after_round)
    names = _names(engine, kind)
    if what_if:
        _what_if(engine, race, kind, names, output)
        return
    rows = reads.read_table(engine, schema.championship_forecasts, [str(race["race_key"])], kind=kind)
    if rows.empty:
        raise NotReady(f"there is no championship of {kind}s in {race['season']}")
    rows = rows.assign(entity=rows["entity_id"], name=rows["entity_id"].map(names))[_COLUMNS]
    # As the API and the pages sort it: most have no chance of the title, and are in the order of their places.
    keys = {
        "title_probability": False,
        "expected_position": True,
        "expected_points": False,
        "entity": True,
    }
    rows = rows.sort_values(list(keys), ascending=list(keys.values()), kind="stable")
    if output is Format.json:
        print_json(records(rows))
    elif output is Format.csv:
        print_csv(rows)
    else:
        _print_table(engine, rows, race, kind)


def _race(engine: Engine, calendar: pd.DataFrame, season: int | None, after_round: int | None) -> pd.Series:
    """The race before which the forecast stands."""
    made = reads.race_keys_with(engine, schema.championship_forecasts)
    rows = calendar[calendar["race_key"].isin(made)]
    if season is not None:
        rows = rows[rows["season"] == season]
    elif len(rows):
        rows = rows[rows["season"] == rows["season"].max()]
    if rows.empty:
        which = "" if season is None else f" of {season}"
        raise NotReady(f"there is no championship forecast{which}: run `f1 update`, or `f1 backfill`")
    if after_round is None:
        return rows.iloc[-1]
    # Rounds are not keys, but they are what people call races by; 0 is before the first.
    year = calendar[calendar["season"] == int(rows["season"].iloc[0])]
    following = year[year["round"] > after_round]
    if after_round < 0 or following.empty:
        last = int(year["round"].max()) - 1
        raise NotReady(f"--after-round must be 0 to {last}: after the last round everything is decided")
    race = following.sort_values("round").iloc[0]
    if race["race_key"] not in made:
        raise NotReady(f"there is no championship forecast before {race['race_key']}")
    return race


def _names(engine: Engine, kind: str) -> dict[str, str]:
    table = schema.drivers if kind == "driver" else schema.constructors
    frame = reads.read_table(engine, table)
    return dict(zip(frame[f"{kind}_id"], frame["name"], strict=True))


def _print_table(engine: Engine, rows: pd.DataFrame, race: pd.Series, kind: str) -> None:
    _mark(engine)
    first = rows.iloc[0]
    shown = pd.DataFrame(
        {
            kind: rows["name"],
            "points": [f"{value:g}" for value in rows["points"]],
            "final points": [f"{value:.0f}" for value in rows["expected_points"]],
            "90 %": [
                f"{low:.0f} to {high:.0f}"
                for low, high in zip(rows["points_low"], rows["points_high"], strict=True)
            ],
            "place": rows["expected_position"],
            "title": rows["title_probability"],
            "top 3": rows["top3_probability"],
            "can win": ["yes" if possible else "no" for possible in rows["can_win"]],
        }
    )
    print_table(
        shown,
        f"Championship of {race['season']} before {race['name']}, {first['races_left']} races left",
        percent=("title", "top 3"),
        places={"place": 1},
    )
    console.print(
        f"{first['draws']} drawn seasons; cutoff {first['cutoff']:%Y-%m-%d %H:%M} UTC, made "
        f"{first['created_at']:%Y-%m-%d %H:%M} UTC from {first['data_release']}. "
        '"Can win" is arithmetic, whatever the forecast says.',
        soft_wrap=True,
    )
    _source(engine)


def _what_if(engine: Engine, race: pd.Series, kind: str, names: dict[str, str], output: Format) -> None:
    rows = reads.read_table(engine, schema.championship_scenarios, [str(race["race_key"])], kind=kind)
    if rows.empty:
        raise NotReady(
            f"there are no scenarios of {race['race_key']}: they are made for the next race, while the title is open"
        )
    renamed = rows.rename(columns={"driver_id": "driver", "entity_id": "entity"})
    if output is Format.json:
        print_json(records(renamed))
        return
    if output is Format.csv:
        print_csv(renamed)
        return
    _mark(engine)
    drivers = _names(engine, "driver")
    frame = reads.read_table(engine, schema.drivers)
    # Names of six drivers are wider than a terminal.
    codes = {row.driver_id: row.code or row.name for row in frame.itertuples()}
    forecasts = reads.read_table(engine, schema.championship_forecasts, [str(race["race_key"])], kind=kind)
    chance = forecasts.set_index("entity_id")["title_probability"]
    listed = chance[chance.index.isin(rows["entity_id"])].sort_values(ascending=False).index[:_LISTED]
    labels = codes if kind == "driver" else names
    for driver, part in rows.groupby("driver_id", sort=False):
        table = part.pivot(index="position", columns="entity_id", values="title_probability")[list(listed)]
        # Not classified (0) is the worst result and stands last.
        table = table.loc[sorted(table.index, key=lambda place: (place == 0, place))]
        likely = part.drop_duplicates("position").set_index("position")["probability"]
        shown = pd.DataFrame(
            {
                "result": ["out" if place == 0 else f"P{place}" for place in table.index],
                "likely": likely.loc[table.index].to_numpy(),
                **{labels[str(entity)]: table[entity].to_numpy() for entity in listed},
            }
        )
        print_table(
            shown,
            f"Title chances if {drivers[str(driver)]} finishes {race['name']} {race['season']} ...",
            percent=tuple(name for name in shown.columns if name != "result"),
        )
    console.print("Results that are too rare to say what they would do are left out.", soft_wrap=True)
    _source(engine)


def _mark(engine: Engine) -> None:
    if reads.held_source(engine) == "simulated":
        console.print("[yellow]Simulated championship: invented drivers, teams and results.[/]")


def _source(engine: Engine) -> None:
    if reads.held_source(engine) == "f1db":
        console.print("Data: F1DB (https://github.com/f1db/f1db), CC BY 4.0.")
