"""Contracts of the canonical frames: what is refused, and that the refusal names source, race and field."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Boolean, Date, Float, Integer, String

from f1_pipeline.domain.classification import KNOWN_GAPS, classification_faults, started
from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.bundle import SourceBundle, content_hashes
from f1_pipeline.sources.contracts import COLUMNS, KEYS, check_bundle, conform
from f1_pipeline.storage.schema import RACE_TABLES, REFERENCE_TABLES, UtcDateTime, metadata

DTYPES = {
    Boolean: "boolean",
    Date: "datetime64[",
    Float: "float64",
    Integer: "Int64",
    String: "str",
    UtcDateTime: "datetime64[us, UTC]",
}


def results(*cars: tuple[Any, ...], race: str = "2026-alphaland", **columns: Any) -> pd.DataFrame:
    """Race results of ``(position, car number, driver[, shared])``, in canonical columns."""
    rows = []
    for order, (position, number, driver, *shared) in enumerate(cars, start=1):
        rows.append(
            {
                "race_key": race,
                "display_order": order,
                "driver_id": driver,
                "constructor_id": "nova",
                "car_number": number,
                "position": position,
                "position_text": str(position or "DNF"),
                "shared_car": bool(shared and shared[0]),
                "points": 0.0,
            }
        )
    frame = pd.DataFrame(rows).reindex(columns=list(COLUMNS["race_results"]))
    return frame.assign(**columns)


def bundle_tables(**frames: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every table, empty or as given, with the reference rows that ``results`` needs."""
    reference = {
        "seasons": pd.DataFrame({"season": [2026]}),
        "circuits": pd.DataFrame({"circuit_id": ["northring"], "name": ["Northring"]}),
        "drivers": pd.DataFrame({"driver_id": ["ada", "ben", "cy"], "name": ["Ada", "Ben", "Cy"]}),
        "constructors": pd.DataFrame({"constructor_id": ["nova"], "name": ["Nova"]}),
        "races": pd.DataFrame(
            {
                "race_key": ["2026-alphaland"],
                "season": [2026],
                "grand_prix_id": ["alphaland"],
                "name": ["Alphaland Grand Prix"],
                "circuit_id": ["northring"],
                "date": pd.to_datetime(["2026-03-08"]),
                "is_sprint_weekend": [False],
                "is_cancelled": [False],
            }
        ),
    }
    tables = {**reference, **frames}
    return {
        name: conform(name, tables.get(name, pd.DataFrame()).reindex(columns=list(columns)), "test")
        for name, columns in COLUMNS.items()
    }


def test_canonical_tables_are_the_source_tables_of_the_database() -> None:
    assert set(COLUMNS) == set(KEYS) == {*REFERENCE_TABLES, *RACE_TABLES}


@pytest.mark.parametrize("table", sorted(COLUMNS))
def test_canonical_columns_are_the_columns_of_the_table(table: str) -> None:
    stored = metadata.tables[table]
    assert list(COLUMNS[table]) == [column.name for column in stored.columns]
    assert KEYS[table] == [column.name for column in stored.primary_key]
    for column in stored.columns:
        canonical = COLUMNS[table][column.name]
        assert str(canonical.dtype).startswith(DTYPES[type(column.type)]), column.name
        # A row that keeps its contract is a row that the database takes.
        assert not (canonical.nullable and not column.nullable), f"{column.name} may be missing here only"


def test_conform_orders_columns_and_rows_and_sets_types() -> None:
    frame = results((1, "08", "ada"), (2, "44", "ben"))[::-1].sample(frac=1, axis=1, random_state=1)
    conformed = conform("race_results", frame, "test")
    assert list(conformed.columns) == list(COLUMNS["race_results"])
    assert conformed["display_order"].tolist() == [1, 2]
    assert conformed["car_number"].tolist() == ["08", "44"]
    assert str(conformed["time_ms"].dtype) == "Int64"
    assert conformed["time_ms"].isna().all()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("position", 0),
        ("position", 61),
        ("points", -1.0),
        ("points", np.nan),
        ("laps", -3),
        ("driver_id", None),
        ("position_text", None),
        ("grid_position", 1.5),
        ("time_ms", "fast"),
    ],
)
def test_conform_names_source_race_and_field(field: str, value: Any) -> None:
    good = results((1, "1", "ada"), race="2026-alphaland")
    bad = results((1, "1", "ben"), race="2026-betaland")
    bad[field] = pd.Series([value], dtype="object")
    frame = pd.concat([good.astype({field: "object"}), bad], ignore_index=True)
    with pytest.raises(ContractViolation) as refused:
        conform("race_results", frame, "somewhere")
    text = str(refused.value)
    assert text.startswith("somewhere: table race_results, race 2026-betaland, ")
    assert f"field {field}: " in text


def test_conform_names_the_key_of_doubled_rows() -> None:
    frame = results((1, "1", "ada"), (2, "2", "ben")).assign(display_order=1)
    with pytest.raises(ContractViolation, match=r"test: table race_results, race 2026-alphaland, .*unique"):
        conform("race_results", frame, "test")


def test_conform_refuses_an_unknown_session() -> None:
    frame = results((1, "1", "ada")).assign(session="FP9")
    with pytest.raises(ContractViolation, match="race 2026-alphaland, field session: value 'FP9'"):
        conform("practice_results", frame, "test")


def test_conform_names_a_missing_column() -> None:
    frame = results((1, "1", "ada")).drop(columns=["points", "laps"])
    with pytest.raises(ContractViolation, match=r"^somewhere: table race_results lacks laps, points$"):
        conform("race_results", frame, "somewhere")


def test_conform_counts_the_other_faults() -> None:
    frame = results((1, "1", "ada"), (2, "2", "ben"), (3, "3", "cy")).assign(points=-1.0)
    with pytest.raises(ContractViolation, match=r"and 2 more faults"):
        conform("race_results", frame, "test")


@pytest.mark.parametrize(
    ("cars", "fault"),
    [
        ([(1, "1", "ada"), (2, "2", "ben"), (2, "3", "cy")], "position 2 is given to two cars"),
        ([(1, "1", "ada", True), (1, "2", "ben"), (2, "3", "cy")], "position 1 is given to two cars"),
        ([(1, "1", "ada"), (1, "1", "ben"), (2, "3", "cy")], "position 1 is given to two cars"),
        ([(2, "1", "ada"), (3, "2", "ben"), (None, "3", "cy")], "nobody is first"),
        ([(1, "1", "ada"), (3, "2", "ben"), (None, "3", "cy")], "2 places but the last is 3"),
        ([(None, "1", "ada"), (None, "2", "ben")], "nobody is classified"),
    ],
    ids=["doubled", "shared-but-two-cars", "one-car-not-shared", "no-winner", "gap", "none-classified"],
)
@pytest.mark.parametrize("table", ["race_results", "sprint_results"])
def test_impossible_classifications(cars: list[tuple[Any, ...]], fault: str, table: str) -> None:
    tables = bundle_tables(**{table: results(*cars)})
    with pytest.raises(ContractViolation) as refused:
        check_bundle(tables, "somewhere")
    assert str(refused.value) == f"somewhere: table {table}, race 2026-alphaland, field position: {fault}"


@pytest.mark.parametrize(
    "cars",
    [
        [(1, "1", "ada"), (2, "2", "ben"), (None, "3", "cy")],
        [(1, "1", "ada"), (1, "1", "ben", True), (2, "3", "cy")],
        [(1, "1", "ada", True), (1, "1", "ben", True), (2, "3", "cy")],
    ],
    ids=["plain", "shared", "both-marked-shared"],
)
def test_possible_classifications(cars: list[tuple[Any, ...]]) -> None:
    frame = results(*cars)
    assert classification_faults(frame) == []
    check_bundle(bundle_tables(race_results=frame), "test")


def test_a_known_gap_is_known_for_its_race_only() -> None:
    cars = ((1, "1", "ada"), (3, "2", "ben"))
    known = sorted(KNOWN_GAPS)[0]
    assert classification_faults(results(*cars, race=known)) == []
    assert len(classification_faults(results(*cars, race="1990-alphaland"))) == 1


def test_every_faulty_race_is_named() -> None:
    frames = [results((2, "1", "ada"), race=f"2026-race-{n}") for n in range(3)]
    faults = classification_faults(pd.concat(frames, ignore_index=True))
    assert [fault.split(",")[0] for fault in faults] == [f"race 2026-race-{n}" for n in range(3)]


def test_who_started() -> None:
    frame = pd.DataFrame({"position_text": ["1", "DNF", "DSQ", "NC", "DNS", "DNQ", "EX"]})
    assert started(frame).tolist() == [True, True, True, True, False, False, False]


@pytest.mark.parametrize(
    ("field", "value", "parent"),
    [
        ("driver_id", "nobody", "drivers"),
        ("constructor_id", "nothing", "constructors"),
        ("race_key", "2026-nowhere", "races"),
    ],
)
def test_an_unknown_reference_is_named(field: str, value: str, parent: str) -> None:
    frame = results((1, "1", "ada"), (2, "2", "ben"))
    frame[field] = [frame[field].iloc[0], value] if field != "race_key" else value
    race = value if field == "race_key" else "2026-alphaland"
    with pytest.raises(ContractViolation) as refused:
        check_bundle(bundle_tables(race_results=frame), "somewhere")
    expected = f"somewhere: table race_results, race {race}, field {field}: '{value}' is not in {parent}"
    assert str(refused.value) == expected


def test_an_unknown_circuit_and_season_are_named() -> None:
    tables = bundle_tables()
    for column, value in (("circuit_id", "moon"), ("season", 2027)):
        races = tables["races"].assign(**{column: value})
        with pytest.raises(ContractViolation, match=f"table races, race 2026-alphaland, field {column}"):
            check_bundle({**tables, "races": races}, "test")


def test_race_hashes_see_every_cell_of_their_race_alone() -> None:
    frame = pd.concat([results((1, "1", "ada"), race=f"2026-race-{n}") for n in (1, 2)], ignore_index=True)
    frame = conform("race_results", frame, "test")
    before = SourceBundle("f1db", "r", "d", {"race_results": frame}).race_hashes("race_results")
    assert set(before) == {"2026-race-1", "2026-race-2"}
    assert before["2026-race-1"] == before["2026-race-2"]  # the same rows: the key is not in the hash
    for column in frame.columns.drop("race_key"):
        kind = str(frame[column].dtype)
        changed = frame.copy()
        changed.loc[1, column] = "x" if kind == "str" else not changed.loc[1, column] if kind == "boolean" and pd.notna(changed.loc[1, column]) else True if kind == "boolean" else 7  # fmt: skip
        after = content_hashes(changed)
        assert after["2026-race-1"] == before["2026-race-1"], column
        assert after["2026-race-2"] != before["2026-race-2"], column


def test_hashes_of_a_bundle_are_its_own() -> None:
    frame = conform("race_results", results((1, "1", "ada")), "test")
    bundle = SourceBundle("f1db", "r", "d", {"race_results": frame})
    first = bundle.race_hashes("race_results")
    first["2026-race-1"] = "changed by who asked"
    assert bundle.race_hashes("race_results") == content_hashes(frame)
    other = dataclasses.replace(bundle, tables={"race_results": frame.assign(gap_ms=pd.array([7], "Int64"))})
    assert other.race_hashes("race_results") != bundle.race_hashes("race_results")
    assert bundle == SourceBundle("f1db", "r", "d", bundle.tables), "what was computed is no part of it"


def test_zero_is_not_missing() -> None:
    frame = conform("race_results", results((1, "1", "ada")), "test")
    zero = frame.assign(gap_ms=pd.array([0], dtype="Int64"))
    assert content_hashes(zero) != content_hashes(frame)


def test_no_rows_have_no_hashes() -> None:
    assert content_hashes(results().iloc[:0]) == {}
