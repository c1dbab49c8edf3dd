"""The reviewed rows of the crosswalk: there and back again, unambiguous, complete."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1_pipeline.domain.identity import ConstructorRow, Crosswalk, DriverRow, RaceNameRow, crosswalk
from f1_pipeline.domain.identity.tables import CircuitRow, Seasons, ambiguities, parse_rows
from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.f1db import parse_archive
from tests.domain.identities import ADA, ROWS, tables

SECONDARY = {"spyker_mf1", "brabham-ford"}
"""Constructors of the source that share F1DB's one with another id in the same season."""
SEASONS = st.integers(1950, 2030)


@given(st.sampled_from(ROWS.drivers))
def test_drivers_round_trip(row: DriverRow) -> None:
    known = crosswalk()
    assert known.driver_ref(row.f1db_id) == row.ergast_id
    said = (row.given_name, row.family_name, row.date_of_birth)
    assert known.check_driver(row.ergast_id, *said) == row.f1db_id


@given(st.sampled_from(ROWS.circuits))
def test_circuits_round_trip(row: CircuitRow) -> None:
    assert crosswalk().circuit_ref(crosswalk().circuit(row.ergast_id)) == row.ergast_id


@given(st.sampled_from(ROWS.constructors), SEASONS)
def test_constructors_round_trip_in_their_seasons(row: ConstructorRow, season: int) -> None:
    known = crosswalk()
    if season not in row.seasons:
        return
    assert known.constructor(row.ergast_id, season) == row.f1db_id
    back = known.constructor_ref(row.f1db_id, season)
    assert known.constructor(back, season) == row.f1db_id
    assert back == row.ergast_id or row.ergast_id in SECONDARY


@given(SEASONS)
def test_within_a_season_no_two_ids_mean_one_constructor(season: int) -> None:
    meant = [
        row.f1db_id for row in ROWS.constructors if season in row.seasons and row.ergast_id not in SECONDARY
    ]
    assert len(meant) == len(set(meant))


@given(st.sampled_from(ROWS.grands_prix), SEASONS)
def test_race_names_round_trip_in_their_seasons(row: RaceNameRow, season: int) -> None:
    known = crosswalk()
    if season in row.seasons:
        key = known.race_key(season, row.race_name)
        assert key == f"{season}-{row.f1db_id}"
        assert known.race_key(season, known.race_name(key)) == key


@given(
    st.builds(Seasons, st.none() | SEASONS, st.none() | SEASONS),
    st.builds(Seasons, st.none() | SEASONS, st.none() | SEASONS),
)
def test_eras_meet_when_some_season_is_in_both(one: Seasons, other: Seasons) -> None:
    assert one.meets(other) == any(season in one and season in other for season in (0, *range(1950, 2031)))


def test_the_rows_are_unambiguous_and_a_double_is_refused() -> None:
    assert ambiguities(ROWS) == []
    twice = DriverRow("ben-brake", "apex", "Ben", "Brake", date(1990, 1, 1), "curated")
    with pytest.raises(ContractViolation, match="driver 'apex' is ada-apex and ben-brake"):
        Crosswalk(tables(drivers=(ADA, twice)))
    again = DriverRow("ada-apex", "ada_apex", "Ada", "Apex", date(1999, 2, 28), "curated")
    with pytest.raises(ContractViolation, match="F1DB driver 'ada-apex' is apex and ada_apex"):
        Crosswalk(tables(drivers=(ADA, again)))
    eras = (
        ConstructorRow("nova-a", "nova", Seasons(None, 2024), "curated"),
        ConstructorRow("nova-b", "nova", Seasons(2024, None), "curated"),
    )
    with pytest.raises(ContractViolation, match="constructor 'nova'"):
        Crosswalk(tables(constructors=eras))


def test_an_incomplete_row_names_its_line() -> None:
    head = "f1db_id,ergast_id,decided"
    assert parse_rows([head, "a,b,curated"], "x.csv") == [
        {"f1db_id": "a", "ergast_id": "b", "decided": "curated"}
    ]
    with pytest.raises(ContractViolation, match=r"x.csv line 3, field ergast_id"):
        parse_rows([head, "a,b,curated", "c,,curated"], "x.csv")
    with pytest.raises(ContractViolation, match=r"line 2, field decided: empty"):
        parse_rows([head, "a,b"], "x.csv")
    with pytest.raises(ContractViolation, match=r"'guessed' is none of"):
        parse_rows([head, "a,b,guessed"], "x.csv")


@pytest.mark.archive
def test_the_rows_say_of_drivers_what_f1db_says(archives: Path) -> None:
    drivers = parse_archive(archives / "f1db" / "f1db-csv.zip", "test", "").tables["drivers"]
    there = drivers.set_index("driver_id")
    for row in ROWS.drivers:
        said = there.loc[row.f1db_id]
        assert (said["first_name"], said["last_name"], said["date_of_birth"].date()) == (
            row.given_name,
            row.family_name,
            row.date_of_birth,
        )
