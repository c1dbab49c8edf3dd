"""One identity for what F1DB and the Ergast format name: look-ups, and whether two names are one person's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1_pipeline.domain.identity import Crosswalk, crosswalk, same_person
from f1_pipeline.errors import PermanentError, UnknownIdentity


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
