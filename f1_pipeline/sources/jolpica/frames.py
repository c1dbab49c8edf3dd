"""Results, qualifying, grids and standings of the Ergast format as frames with the columns of the tables.

They still have Ergast's ids (``driver_ref``, ``constructor_ref``, ``circuit_ref``), and name a race by season, round and date;
``canonical`` puts ours in their place. Every function raises ``ContractViolation``, naming race and field, on a value that
means nothing: a word that is read as "missing" by mistake would look like a result.
"""

from __future__ import annotations

import pandas as pd

from f1_pipeline.sources.jolpica import words
from f1_pipeline.sources.jolpica.fields import Fields, Items, Row, competitor, frame, listed, races

_THREE_PARTS_SINCE = 2006
_PARTS = ("q1_ms", "q2_ms", "q3_ms")

_RACE = ("season", "round", "circuit_ref", "date")
_COMPETITOR = ("display_order", "driver_ref", "constructor_ref", "car_number", "position", "position_text")
RESULT_COLUMNS = [
    *(*_RACE, *_COMPETITOR),
    *("shared_car", "laps", "time_ms", "gap_ms", "gap_laps", "penalty_ms", "reason_retired"),
    *("points", "grid_position", "grid_text", "fastest_lap", "pit_stops"),
]
QUALIFYING_COLUMNS = [*(*_RACE, "session", *_COMPETITOR), *("time_ms", *_PARTS, "gap_ms", "laps")]
STANDINGS_COLUMNS = ["season", "round", "display_order", "position", "position_text", "points"]


def race_results(items: Items) -> pd.DataFrame:
    """Results of races (``JolpicaClient.results``), columns of ``race_results``.

    A lapped car has no time: the source gives one, but taken after fewer laps (Austria 2023: the twelfth 24 s behind,
    the sixth 31 s), and F1DB gives none. ``penalty_ms`` and ``pit_stops`` are not in the source. Missing points stay
    missing: a result without them is not complete.
    """
    return _results(items, "Results")


def sprint_results(items: Items) -> pd.DataFrame:
    """Results of sprints (``JolpicaClient.sprint``), columns of ``sprint_results``. See ``race_results``."""
    return _results(items, "SprintResults")


def qualifying_results(items: Items) -> pd.DataFrame:
    """Qualifying (``JolpicaClient.qualifying``), columns of ``qualifying_results``. It is **not** the starting grid.

    Who set no time is not classified, though the source goes on numbering; F1DB leaves the place open as well. Where nobody
    has a time (yet), places stay as given. Until 2005 the best time is in ``time_ms``, since then one for each part.
    """
    rows: list[Row] = []
    for item, race, name in races(items):
        found = [
            _qualified(Fields(row, name), race, place)
            for place, row in enumerate(listed(item, "QualifyingResults", name), 1)
        ]
        timed = any(_best(row) is not None for row in found)
        pole = min((row["q3_ms"] for row in found if row["q3_ms"] is not None), default=None)
        for row in found:
            if timed and _best(row) is None:
                row.update(position=None, position_text="NC")
            if race["season"] < _THREE_PARTS_SINCE:
                row.update(time_ms=_best(row), q1_ms=None, q2_ms=None, q3_ms=None)
            elif pole is not None and row["q3_ms"] is not None and row["q3_ms"] > pole:
                row["gap_ms"] = row["q3_ms"] - pole
        rows += found
    return frame(rows, QUALIFYING_COLUMNS)


def driver_standings(items: Items) -> pd.DataFrame:
    """Standings of drivers, columns of ``driver_standings``. Who is not ranked has no place and ``-``."""
    rows = _standings(items, "DriverStandings", "driver_ref", "Driver.driverId")
    return frame(rows, [*STANDINGS_COLUMNS, "driver_ref"])


def constructor_standings(items: Items) -> pd.DataFrame:
    """Standings of constructors, columns of ``constructor_standings``. The source does not name engines."""
    rows = _standings(items, "ConstructorStandings", "constructor_ref", "Constructor.constructorId")
    return frame(rows, [*STANDINGS_COLUMNS, "constructor_ref", "engine_id"])


def _results(items: Items, rows: str) -> pd.DataFrame:
    found: list[Row] = []
    for item, race, name in races(items):
        entries = [
            _finisher(Fields(row, name), race, place) for place, row in enumerate(listed(item, rows, name), 1)
        ]
        first = next((row for row in entries if row["position"] == 1), None)
        ranked = any(row["fastest_lap"] for row in entries)
        for row in entries:
            _behind(row, first)
            if not ranked:
                # Where no lap has the first rank, nobody knows whose it was: sprints of 2023 have none.
                row["fastest_lap"] = None
        found += entries
    return frame(found, RESULT_COLUMNS)


def _finisher(get: Fields, race: Row, place: int) -> Row:
    status = get("status", words.text)
    code = get("positionText", lambda value: words.outcome(words.text(value), status))
    grid = get("grid", words.whole)
    if grid == 0:
        # The pit lane, for who started. A car that did not start has no place to have started from.
        grid, grid_text = None, None if code == "DNS" else "PL"
    else:
        grid_text = None if grid is None else str(grid)
    return {
        **competitor(get, race, place),
        "position": int(code) if code is not None and code.isdecimal() else None,
        "position_text": code,
        "shared_car": False,
        "laps": get("laps", words.whole),
        "time_ms": _time(get),
        "gap_ms": get("Time.time", words.gap),
        "status": status,
        "reason_retired": words.reason(status),
        "points": get("points", words.number),
        "grid_position": grid,
        "grid_text": grid_text,
        "fastest_lap": get("FastestLap.rank", words.whole) == 1,
    }


def _time(get: Fields) -> int | None:
    """Race time. Its text is exact, its milliseconds are cut off and can be one too few; but the text loses the seconds of
    a time of whole seconds (1:25:33 becomes 1:25), so it counts only where both agree."""
    millis = get("Time.millis", words.whole)
    text = get("Time.time", words.text)
    if text is None or text.startswith(("+", "-")):  # a gap, or one below 0 of a car that stopped
        return millis
    stated = get("Time.time", words.milliseconds)
    return stated if millis is None or (stated is not None and abs(stated - millis) <= 1) else millis


def _behind(row: Row, first: Row | None) -> None:
    """Complete time and gaps of a row from those of the first."""
    stated = words.laps_behind(row["status"])
    known = first is not None and None not in (first["laps"], row["laps"])
    laps = first["laps"] - row["laps"] if first is not None and known else stated
    lapped = bool(laps) or bool(stated) or row["status"] == "Lapped"
    if lapped or (row["position"] is None and row["position_text"] != "DSQ"):
        row["time_ms"] = row["gap_ms"] = None
    elif first is not None and first["time_ms"] is not None and row["gap_ms"] is not None:
        row["time_ms"] = first["time_ms"] + row["gap_ms"]
    # Only where the source says so: a car that stopped and is classified has fewer laps too ("Finished" in older answers),
    # and the rating would take an accident near the end for the slowest car.
    if stated or row["status"] == "Lapped":
        row["gap_laps"] = stated or laps


def _qualified(get: Fields, race: Row, place: int) -> Row:
    position = get("position", words.whole)
    return {
        **competitor(get, race, place),
        "session": "Q",
        "position": position,
        "position_text": "NC" if position is None else str(position),
        **{part: get(part[:2].upper(), words.milliseconds) for part in _PARTS},
    }


def _best(row: Row) -> int | None:
    return min((row[part] for part in _PARTS if row[part] is not None), default=None)


def _standings(items: Items, rows: str, column: str, path: str) -> list[Row]:
    found: list[Row] = []
    for item in items:
        name = f"{item.get('season')} round {item.get('round')}"
        race = {part: Fields(item, name).required(part, words.whole) for part in ("season", "round")}
        for place, row in enumerate(listed(item, rows, name), 1):
            get = Fields(row, name)
            code = get("positionText", words.ranked)
            if column == "driver_ref" and code == "-" and not get("points", words.number):
                # No result that counts: the bulk source leaves them out, and a row would hide the place of last season.
                continue
            found.append(
                {
                    **race,
                    column: get.required(path, words.text),
                    "display_order": place,
                    "position": int(code) if code is not None and code.isdecimal() else None,
                    "position_text": code,
                    "points": get("points", words.number),
                }
            )
    return found
