"""Contracts of the canonical frames: columns, types and the laws a real table obeys (pandera).

A frame that breaks its contract is refused as a whole, before anything is written, with an error
that names source, race and field. Incidents behind the laws: a position given to two cars, a
classification without a winner, points below zero (faults 12 and 13 of F1 sources), rows of a
driver nobody has ever heard of (fault 10: one driver under two ids).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from f1_pipeline.domain.classification import classification_faults
from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.bundle import LATER_COLUMNS

_UTC = pd.DatetimeTZDtype("us", "UTC")


def _text(required: bool = False, **kwargs: object) -> pa.Column:
    return pa.Column("str", nullable=not required, coerce=True, **kwargs)


def _int(low: int | None = None, high: int | None = None, required: bool = False) -> pa.Column:
    return pa.Column("Int64", _range(low, high), nullable=not required, coerce=True)


def _float(low: float | None = None, high: float | None = None, required: bool = False) -> pa.Column:
    return pa.Column("float64", _range(low, high), nullable=not required, coerce=True)


def _bool(required: bool = False) -> pa.Column:
    return pa.Column("boolean", nullable=not required, coerce=True)


def _time() -> pa.Column:
    return pa.Column(_UTC, nullable=True, coerce=True)


def _day(required: bool = False) -> pa.Column:
    return pa.Column("datetime64[us]", nullable=not required, coerce=True)


def _range(low: float | None, high: float | None) -> list[pa.Check]:
    checks = []
    if low is not None:
        checks.append(pa.Check.ge(low))
    if high is not None:
        checks.append(pa.Check.le(high))
    return checks


def _one_of(*values: str) -> pa.Column:
    return pa.Column("str", pa.Check.isin(values), nullable=False, coerce=True)


_RACE = {"race_key": _text(required=True)}
_COMPETITOR = {
    "driver_id": _text(required=True),
    "constructor_id": _text(required=True),
    "car_number": _text(),
}
_CLASSIFICATION = {
    "display_order": _int(1, required=True),
    **_COMPETITOR,
    "position": _int(1, 60),
    "position_text": _text(required=True),
    "shared_car": _bool(required=True),
    "laps": _int(0, 500),
    "time_ms": _int(0),
    "gap_ms": _int(0),
    "gap_laps": _int(0),
    "penalty_ms": _int(0),
    "reason_retired": _text(),
    "points": _float(0, 60, required=True),
    "grid_position": _int(1, 60),
    "grid_text": _text(),
    "fastest_lap": _bool(),
    "pit_stops": _int(0, 99),
}

COLUMNS: dict[str, dict[str, pa.Column]] = {
    "seasons": {"season": _int(1950, 2200, required=True)},
    "circuits": {
        "circuit_id": _text(required=True),
        "name": _text(required=True),
        "full_name": _text(),
        "place": _text(),
        "country_id": _text(),
        "latitude": _float(-90, 90),
        "longitude": _float(-180, 180),
        "time_zone": _text(),
        "length_km": _float(0.5, 100),
        "turns": _int(0, 300),
        "elevation_m": _float(-500, 6000),
        "type": _text(),
        "direction": _text(),
    },
    "drivers": {
        "driver_id": _text(required=True),
        "code": _text(),
        "name": _text(required=True),
        "first_name": _text(),
        "last_name": _text(),
        "number": _text(),
        "date_of_birth": _day(),
        "country_id": _text(),
    },
    "constructors": {
        "constructor_id": _text(required=True),
        "name": _text(required=True),
        "full_name": _text(),
        "country_id": _text(),
    },
    "races": {
        "race_key": _text(required=True),
        "season": _int(1950, 2200, required=True),
        "round": _int(1, 99),
        "grand_prix_id": _text(required=True),
        "name": _text(required=True),
        "official_name": _text(),
        "circuit_id": _text(),
        "date": _day(required=True),
        "start_at": _time(),
        "first_practice_at": _time(),
        "qualifying_at": _time(),
        "sprint_qualifying_at": _time(),
        "sprint_at": _time(),
        "laps": _int(0, 500),
        "course_length_km": _float(0.5, 100),
        "turns": _int(0, 300),
        "qualifying_format": _text(),
        "is_sprint_weekend": _bool(required=True),
        "is_cancelled": _bool(required=True),
    },
    "entries": {
        **_RACE,
        **_COMPETITOR,
        "engine_id": _text(),
        "status": _one_of("entered", "listed", "projected"),
    },
    "race_results": {**_RACE, **_CLASSIFICATION},
    "sprint_results": {**_RACE, **_CLASSIFICATION},
    "qualifying_results": {
        **_RACE,
        "session": _one_of("Q", "SQ"),
        "display_order": _int(1, required=True),
        **_COMPETITOR,
        "position": _int(1, 60),
        "position_text": _text(required=True),
        "time_ms": _int(0),
        "q1_ms": _int(0),
        "q2_ms": _int(0),
        "q3_ms": _int(0),
        # Negative for who was faster on a day that did not count (Indianapolis in the 1950s).
        "gap_ms": _int(),
        "laps": _int(0),
    },
    "practice_results": {
        **_RACE,
        "session": _one_of("FP1", "FP2", "FP3", "FP4", "WU"),
        "display_order": _int(1, required=True),
        **_COMPETITOR,
        "position": _int(1, 60),
        "time_ms": _int(0),
        "gap_ms": _int(0),
        "laps": _int(0),
    },
    "starting_grid": {
        **_RACE,
        "session": _one_of("R", "S"),
        "display_order": _int(1, required=True),
        **_COMPETITOR,
        "position": _int(1, 60),
        "position_text": _text(required=True),
        "qualifying_position": _int(1, 60),
        "penalty": _text(),
        "time_ms": _int(0),
        "is_provisional": _bool(),
    },
    "pit_stops": {
        **_RACE,
        "display_order": _int(1, required=True),
        **_COMPETITOR,
        "stop": _int(1, 99, required=True),
        "lap": _int(0, 500),
        "time_ms": _int(0),
    },
    "driver_standings": {
        **_RACE,
        "display_order": _int(1, required=True),
        "driver_id": _text(required=True),
        "position": _int(1, 200),
        "position_text": _text(required=True),
        "points": _float(0, required=True),
    },
    "constructor_standings": {
        **_RACE,
        "display_order": _int(1, required=True),
        "constructor_id": _text(required=True),
        "engine_id": _text(),
        "position": _int(1, 200),
        "position_text": _text(required=True),
        "points": _float(0, required=True),
    },
}
"""Canonical columns per table; a test keeps them equal to the columns of the database tables."""

KEYS: dict[str, list[str]] = {
    "seasons": ["season"],
    "circuits": ["circuit_id"],
    "drivers": ["driver_id"],
    "constructors": ["constructor_id"],
    "races": ["race_key"],
    "entries": ["race_key", "driver_id"],
    "race_results": ["race_key", "display_order"],
    "sprint_results": ["race_key", "display_order"],
    "qualifying_results": ["race_key", "session", "display_order"],
    "practice_results": ["race_key", "session", "display_order"],
    "starting_grid": ["race_key", "session", "display_order"],
    "pit_stops": ["race_key", "display_order"],
    "driver_standings": ["race_key", "display_order"],
    "constructor_standings": ["race_key", "display_order"],
}
"""Columns that name a row."""

SCHEMAS: dict[str, pa.DataFrameSchema] = {
    table: pa.DataFrameSchema(columns, strict=True, ordered=True, unique=KEYS[table], name=table)
    for table, columns in COLUMNS.items()
}


def conform(table: str, frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return the frame with canonical columns and types, in key order.

    Raises:
        ContractViolation: a column, type or value breaks the contract; names source, race, field.
    """
    columns = list(COLUMNS[table])
    # What no source states: it may be left out, and is then missing in every row.
    frame = frame.assign(
        **{name: None for name in LATER_COLUMNS if name in set(columns) - set(frame.columns)}
    )
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ContractViolation(f"{source}: table {table} lacks {', '.join(missing)}")
    ordered = frame[columns].sort_values(KEYS[table], kind="stable").reset_index(drop=True)
    try:
        checked: pd.DataFrame = SCHEMAS[table].validate(ordered, lazy=True)
        return checked
    except SchemaErrors as error:
        raise ContractViolation(_first_fault(table, ordered, source, error)) from None


def check_bundle(tables: dict[str, pd.DataFrame], source: str) -> None:
    """Check the laws that need more than one column or table: classification and references.

    Raises:
        ContractViolation: names source, race and field of the first fault, and counts the others.
    """
    faults: list[str] = []
    for table in ("race_results", "sprint_results"):
        faults += [f"table {table}, {fault}" for fault in classification_faults(tables[table])]
    for table, frame in tables.items():
        for column, parent in _PARENTS.items():
            if column not in frame.columns or table == parent:
                continue
            unknown = frame[frame[column].notna() & ~frame[column].isin(tables[parent][column])]
            if not unknown.empty:
                row = unknown.iloc[0]
                race = row["race_key"] if "race_key" in unknown.columns else "-"
                faults.append(
                    f"table {table}, race {race}, field {column}: {row[column]!r} is not in {parent}"
                )
    if faults:
        more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
        raise ContractViolation(f"{source}: {faults[0]}{more}")


_PARENTS = {
    "race_key": "races",
    "driver_id": "drivers",
    "constructor_id": "constructors",
    "circuit_id": "circuits",
    "season": "seasons",
}


def _first_fault(table: str, frame: pd.DataFrame, source: str, error: SchemaErrors) -> str:
    cases = error.failure_cases
    located = cases[cases["index"].notna()]
    case = (located if len(located) else cases).iloc[0]
    index, value = case["index"], case["failure_case"]
    if pd.isna(index) and case["column"] in frame.columns:
        # Of a column of numbers that does not fit into whole ones pandera names no row.
        numbers = pd.to_numeric(frame[case["column"]], errors="coerce")
        broken = numbers[numbers.notna() & (numbers % 1 != 0)]
        index, value = (broken.index[0], broken.iloc[0]) if len(broken) else (index, value)
    value = value.item() if isinstance(value, np.generic) else value
    race = "-"
    if "race_key" in frame.columns and pd.notna(index) and int(index) in frame.index:
        race = str(frame.loc[int(index), "race_key"])
    more = f" (and {len(cases) - 1} more faults)" if len(cases) > 1 else ""
    return (
        f"{source}: table {table}, race {race}, field {case['column']}: "
        f"value {value!r} fails {case['check']}{more}"
    )
