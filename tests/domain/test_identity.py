"""One identity for what F1DB and the Ergast format name: look-ups, the reviewed rows, and the review itself."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1_pipeline.domain.identity import (
    ConstructorRow,
    Crosswalk,
    DriverRow,
    RaceNameRow,
    Tables,
    crosswalk,
    read_tables,
    same_person,
)
from f1_pipeline.domain.identity.tables import CircuitRow, Seasons, ambiguities, parse_rows
from f1_pipeline.errors import ContractViolation, PermanentError, UnknownIdentity
from f1_pipeline.settings import ROOT
from f1_pipeline.sources.f1db import parse_archive

ALWAYS = Seasons(None, None)
ADA = DriverRow("ada-apex", "apex", "Ada Maria", "Ápex Jr.", date(1999, 2, 28), "answer")
NEW = DriverRow("eve-edge", "eve_edge", "Eve", "Edge", date(2007, 8, 8), "assumed")
SECONDARY = {"spyker_mf1", "brabham-ford"}
"""Constructors of the source that share F1DB's one with another id in the same season."""

ROWS = read_tables()
SEASONS = st.integers(1950, 2030)


def tables(**more: Any) -> Tables:
    rows: dict[str, Any] = {
        "drivers": (ADA, NEW),
        "constructors": (
            ConstructorRow("nova-b", "nova", Seasons(2025, None), "curated"),
            ConstructorRow("nova-a", "nova", Seasons(None, 2024), "curated"),
        ),
        "circuits": (CircuitRow("north-ring", "north", "curated"),),
        "grands_prix": (RaceNameRow("alphaland", "Alphaland Grand Prix", ALWAYS, "curated"),),
    }
    return Tables(**(rows | more))


@pytest.fixture
def small() -> Crosswalk:
    return Crosswalk(tables(), source="ergast")


def test_real_ids_are_found_both_ways() -> None:
    known = crosswalk()
    assert known.driver("max_verstappen") == "max-verstappen"
    assert known.driver("verstappen") == "jos-verstappen"
    assert known.driver_ref("carlos-sainz-jr") == "sainz"
    assert known.circuit("albert_park") == "melbourne"
    assert known.circuit("las_vegas") == "caesars-palace"
    assert known.circuit_ref("las-vegas") == "vegas"


def test_one_constructor_id_means_another_team_in_another_season() -> None:
    known = crosswalk()
    assert [known.constructor("rb", season) for season in (2024, 2025, 2026)] == [
        "rb",
        "racing-bulls",
        "racing-bulls",
    ]
    assert [known.constructor("sauber", season) for season in (2005, 2018, 2025)] == [
        "sauber",
        "sauber",
        "kick-sauber",
    ]
    assert (known.constructor("manor", 2015), known.constructor("manor", 2016)) == ("marussia", "manor")
    assert known.constructor_ref("midland", 2006) == "mf1"
    assert known.constructor("spyker_mf1", 2006) == "midland"
    with pytest.raises(UnknownIdentity, match=r"'sauber'.*2026"):
        known.constructor("sauber", 2026)


@pytest.mark.parametrize(
    ("season", "name", "key"),
    [
        (2020, "70th Anniversary Grand Prix", "2020-70th-anniversary"),
        (2020, "British Grand Prix", "2020-great-britain"),
        (2020, "Sakhir Grand Prix", "2020-sakhir"),
        (2020, "Bahrain Grand Prix", "2020-bahrain"),
        (2020, "Styrian Grand Prix", "2020-styria"),
        (2019, "Brazilian Grand Prix", "2019-brazil"),
        (2023, "Sao Paulo Grand Prix", "2023-sao-paulo"),
        (2026, "Brazilian Grand Prix", "2026-sao-paulo"),
        (2026, "Barcelona Grand Prix", "2026-barcelona-catalunya"),
        (2026, "Spanish Grand Prix", "2026-spain"),
        (2026, "Bahrain Grand Prix", "2026-bahrain"),
        (1955, "Indianapolis 500", "1955-indianapolis"),
    ],
)
def test_a_race_is_found_by_its_name(season: int, name: str, key: str) -> None:
    assert crosswalk().race_key(season, name) == key


def test_races_have_the_name_that_the_source_gives_them() -> None:
    known = crosswalk()
    assert known.race_name("2025-sao-paulo") == "São Paulo Grand Prix"
    assert known.race_name("2026-sao-paulo") == "Brazilian Grand Prix"
    assert known.race_name("2026-mexico") == "Mexico City Grand Prix"


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda known: known.driver("nobody"), "ergast: driver 'nobody'"),
        (lambda known: known.check_driver("nobody", "No", "Body"), "ergast: driver 'nobody'"),
        (lambda known: known.driver_ref("no-body"), "ergast: driver 'no-body'"),
        (lambda known: known.constructor("none", 2026), "ergast: constructor 'none'.*2026"),
        (lambda known: known.constructor_ref("nova-a", 2025), "ergast: constructor 'nova-a'.*2025"),
        (lambda known: known.circuit("south"), "ergast: circuit 'south'"),
        (lambda known: known.circuit_ref("south-ring"), "ergast: circuit 'south-ring'"),
        (lambda known: known.race_key(2026, "Grand Prix of Nowhere"), "ergast: race 'Grand Prix of Nowhere'"),
        (lambda known: known.race_name("2026-nowhere"), "ergast: race '2026-nowhere'"),
        (lambda known: known.race_name("alphaland"), "ergast: race 'alphaland'"),
    ],
)
def test_what_is_unknown_is_an_error_that_names_it(
    small: Crosswalk, ask: Callable[[Crosswalk], str], said: str
) -> None:
    """Fault 10."""
    with pytest.raises(UnknownIdentity, match=said) as error:
        ask(small)
    assert isinstance(error.value, PermanentError)


def test_an_answer_that_agrees_is_accepted(small: Crosswalk) -> None:
    assert small.check_driver("apex") == "ada-apex"
    assert small.check_driver("apex", "Ada", "Apex", "1999-02-28") == "ada-apex"
    assert small.check_driver("apex", "Ada Maria Luisa", "ÁPEX", date(1999, 2, 28)) == "ada-apex"
    assert small.check_driver("apex", family_name="Apex") == "ada-apex"
    assert small.check_driver("apex", given_name="Maria") == "ada-apex"


@pytest.mark.parametrize(
    "answer",
    [
        {"given_name": "Ada", "family_name": "Brake"},
        {"given_name": "Ben", "family_name": "Apex"},
        {"given_name": "", "family_name": "Apex"},
        {"given_name": "Ada", "family_name": ""},
        {"given_name": "Ada", "family_name": "Apex", "date_of_birth": "1974-02-28"},
        {"date_of_birth": date(1974, 2, 28)},
        {"family_name": "Brake"},
        {"given_name": "Ben"},
    ],
)
def test_an_answer_about_somebody_else_is_refused(small: Crosswalk, answer: dict[str, Any]) -> None:
    with pytest.raises(UnknownIdentity, match=r"driver 'apex': the answer says .*the crosswalk .*ada-apex"):
        small.check_driver("apex", **answer)


def test_an_assumed_row_stands_only_with_both_names(small: Crosswalk) -> None:
    assert small.check_driver("eve_edge", "Eve", "Edge") == "eve-edge"
    for ask in (
        lambda: small.driver("eve_edge"),
        lambda: small.check_driver("eve_edge"),
        lambda: small.check_driver("eve_edge", family_name="Edge"),
    ):
        with pytest.raises(UnknownIdentity, match="assumed"):
            ask()
    with pytest.raises(UnknownIdentity, match="answer says Adam Edge"):
        small.check_driver("eve_edge", "Adam", "Edge")
    assert small.driver_ref("eve-edge") == "eve_edge"


def test_father_and_son_are_not_one() -> None:
    known = crosswalk()
    assert known.check_driver("piquet_jr", "Nelson", "Piquet Jr.", "1985-07-25") == "nelson-piquet-jr"
    with pytest.raises(UnknownIdentity, match="born 1952-08-17"):
        known.check_driver("piquet_jr", "Nelson", "Piquet", "1952-08-17")


def test_names_are_compared_by_their_words() -> None:
    assert same_person("Andrea Kimi", "Antonelli", "Kimi", "Antonelli")
    assert same_person("Heinz Harald", "Frentzen", "Heinz-Harald", "Frentzen")
    assert same_person("Cristiano", "da Matta", "Cristiano", "Da Matta")
    assert not same_person("Kimi Andrea", "Antonelli", "Kimi Luca", "Antonelli")
    assert not same_person("Max", "Verstappen", "Jos", "Verstappen")


@given(st.text("abäÉ -.", max_size=8), st.text("abäÉ -.", max_size=8), st.text("abäÉ -.", max_size=8))
def test_comparing_names_is_symmetric(given_name: str, other: str, family: str) -> None:
    assert same_person(given_name, family, other, family) == same_person(other, family, given_name, family)


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


@pytest.fixture(scope="session")
def review() -> ModuleType:
    """The script, which is in no package."""
    spec = importlib.util.spec_from_file_location("crosswalk_review", ROOT / "scripts" / "crosswalk.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def answer(driver: str, given_name: str, family_name: str, born: str) -> dict[str, Any]:
    said = {"driverId": driver, "givenName": given_name, "familyName": family_name, "dateOfBirth": born}
    race = {
        "season": "2026",
        "raceName": "Alphaland Grand Prix",
        "Circuit": {"circuitId": "north", "circuitName": "Northring"},
        "Results": [{"Driver": said, "Constructor": {"constructorId": "nova", "name": "Nova"}}],
    }
    return {"MRData": {"RaceTable": {"Races": [race]}}}


def test_the_review_proposes_who_is_the_same_and_lists_the_rest(review: ModuleType, small: Crosswalk) -> None:
    drivers = pd.DataFrame(
        {
            "driver_id": ["cy-curb", "di-drift", "eve-edge"],
            "first_name": ["Cy", "Di", "Eve"],
            "last_name": ["Curb", "Drift", "Edge"],
            "date_of_birth": pd.to_datetime(["2001-12-31", "2001-12-31", "2007-08-08"]),
        }
    )
    named = review.Named()
    review.collect(answer("curb", "Cy", "Curb", "2001-12-31"), named)
    review.collect(answer("drift", "Di", "Drift", "2000-01-01"), named)
    review.collect(answer("eve_edge", "Eve", "Edge", "2007-08-08"), named)
    assert named.constructors == {("nova", 2026)}
    assert (named.circuits, named.races) == ({"north"}, {(2026, "Alphaland Grand Prix")})
    assert list(review.proposals(named, drivers, small)) == [
        ["cy-curb", "curb", "Cy", "Curb", "2001-12-31", "answer"],
        ["eve-edge", "eve_edge", "Eve", "Edge", "2007-08-08", "answer"],
    ]
    refused = "\n".join(review.unmatched(named, small))
    assert "'curb'" in refused
    assert "'drift'" in refused
    assert "'eve_edge'" not in refused
    assert "'nova'" not in refused


@pytest.mark.archive
def test_every_id_of_the_recorded_answers_means_one_of_f1db(archives: Path, review: ModuleType) -> None:
    folder = archives / "jolpica"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    named = review.read_answers(folder)
    assert len(named.drivers) == 46
    assert len(named.circuits) == 30
    assert not list(review.unmatched(named, crosswalk()))
    known = {row.ergast_id: row for row in ROWS.drivers}
    assert {name for name in named.drivers if known[name].decided != "answer"} == set()


@pytest.mark.archive
def test_the_review_is_quiet_when_all_is_covered(
    archives: Path,
    review: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    (tmp_path / "stranger.json").write_text(json.dumps(answer("stranger", "Si", "Stranger", "2000-01-01")))
    (tmp_path / "page.html").write_text("<html>")
    options = ["crosswalk.py", "--archive", str(archives / "f1db" / "f1db-csv.zip")]
    monkeypatch.setattr(sys, "argv", options)
    assert review.main() == 0
    assert "drivers of F1DB since 2000 without a row: 0" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*options, "--answers", str(tmp_path)])
    assert review.main() == 1
    assert "driver 'stranger'" in capsys.readouterr().out


@pytest.mark.archive
@pytest.mark.parametrize("name", ["f1db-csv-2026.10.zip", "f1db-csv.zip"])
def test_everything_that_raced_since_2000_has_a_row(archives: Path, review: ModuleType, name: str) -> None:
    bundle = parse_archive(archives / "f1db" / name, "test", "").tables
    known = crosswalk()
    assert review.uncovered(bundle, 2000, known) == {
        "drivers": [],
        "constructors": [],
        "circuits": [],
        "races": [],
    }
    # Circuits and races are covered from the first season on.
    earlier = review.uncovered(bundle, 1950, known)
    assert not earlier["circuits"]
    assert not earlier["races"]
    assert earlier["drivers"]
    season = bundle["races"].set_index("race_key")["season"]
    assert {known.race_key(int(season[key]), known.race_name(key)) for key in season.index} == set(
        season.index
    )


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
