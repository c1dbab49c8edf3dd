"""Who is entered, and what the rows of F1DB say of cars, results and standings, on the small invented world."""

from __future__ import annotations

import pandas as pd
import pytest

from f1_pipeline.sources.bundle import SourceBundle
from tests.sources.bundles import Parse, World, of_race


def seats(bundle: SourceBundle, race: str) -> dict[str, str]:
    rows = of_race(bundle, "entries", race)
    return dict(zip(rows["driver_id"], rows["constructor_id"], strict=True))


def test_entries_of_a_race_that_was_held(bundle: SourceBundle) -> None:
    entries = of_race(bundle, "entries", "2026-alphaland")
    assert set(entries["status"]) == {"entered"}
    assert seats(bundle, "2026-alphaland") == {
        "ada-apex": "nova", "ben-brake": "nova", "cy-curb": "orbit", "dee-drift": "nova",
    }  # fmt: skip
    assert entries.set_index("driver_id")["car_number"]["ada-apex"] == "08"
    assert entries.set_index("driver_id")["engine_id"]["ada-apex"] == "nova-engines"


def test_a_driver_who_changes_teams_is_entered_where_he_drove(bundle: SourceBundle) -> None:
    """The result says where he drove, whatever the list says; Ben drove though listed as a test driver."""
    assert seats(bundle, "2026-betaland") == {
        "ada-apex": "nova", "ben-brake": "orbit", "cy-curb": "nova", "dee-drift": "orbit",
    }  # fmt: skip


def test_entries_of_a_race_with_a_published_list(bundle: SourceBundle) -> None:
    entries = of_race(bundle, "entries", "2026-gammaland")
    assert set(entries["status"]) == {"listed"}
    assert seats(bundle, "2026-gammaland") == {"ada-apex": "nova", "dee-drift": "orbit", "eve-edge": "nova"}
    assert entries["car_number"].isna().all()


@pytest.mark.parametrize("race", ["2026-deltaland", "2026-epsilonland"])
def test_entries_of_later_races_are_the_last_known_ones(bundle: SourceBundle, race: str) -> None:
    assert set(of_race(bundle, "entries", race)["status"]) == {"projected"}
    assert seats(bundle, race) == seats(bundle, "2026-gammaland")


def test_without_a_list_the_last_race_is_carried_over(world: World, parse: Parse) -> None:
    world.rows["seasons-entrants-drivers"] = []
    bundle = parse(world)
    entries = of_race(bundle, "entries", "2026-gammaland")
    assert set(entries["status"]) == {"projected"}
    assert seats(bundle, "2026-gammaland") == seats(bundle, "2026-betaland")


def test_a_line_up_is_not_carried_into_the_next_season(world: World, parse: Parse) -> None:
    world.add_race("2027-alphaland", "northring", "2027-03-07")
    assert of_race(parse(world), "entries", "2027-alphaland").empty


def test_a_shared_car(bundle: SourceBundle) -> None:
    results = of_race(bundle, "race_results", "1955-alphaland")
    assert results["position"].tolist()[:3] == [1, 1, 2]
    assert results["shared_car"].tolist() == [False, True, False, False]
    assert results["points"].tolist() == [4.5, 4.5, 6.0, 0.0]
    # Ben took over Eve's car; his entry is the one he came with.
    assert seats(bundle, "1955-alphaland") == {"ada-apex": "nova", "ben-brake": "nova", "eve-edge": "orbit"}
    entry = of_race(bundle, "entries", "1955-alphaland").set_index("driver_id").loc["ben-brake"]
    assert entry["car_number"] == "6"


def test_a_start_from_the_pit_lane(bundle: SourceBundle) -> None:
    grid = of_race(bundle, "starting_grid", "2026-alphaland").set_index("driver_id")
    assert grid.loc["cy-curb", "position_text"] == "PL"
    assert pd.isna(grid.loc["cy-curb", "position"])
    assert grid.loc["cy-curb", "qualifying_position"] == 2
    assert grid.loc["ben-brake", "penalty"] == "10 places"
    result = of_race(bundle, "race_results", "2026-alphaland").set_index("driver_id")
    assert result.loc["cy-curb", "grid_text"] == "PL"
    assert pd.isna(result.loc["cy-curb", "grid_position"])


def test_missing_values_stay_missing(bundle: SourceBundle) -> None:
    result = of_race(bundle, "race_results", "2026-alphaland").set_index("driver_id")
    assert result.loc["ada-apex", "time_ms"] == 5000000
    assert pd.isna(result.loc["cy-curb", "time_ms"])
    assert result.loc["cy-curb", "gap_ms"] == 1234
    assert result.loc["ben-brake", ["gap_laps", "penalty_ms"]].tolist() == [1, 5000]
    assert pd.isna(result.loc["ben-brake", "gap_ms"])
    # Nobody knows is not no: the fastest lap; nothing was given is no points.
    assert result.loc["ada-apex", "fastest_lap"] is True or result.loc["ada-apex", "fastest_lap"] == True  # noqa: E712
    assert not result.loc["cy-curb", "fastest_lap"]
    assert pd.isna(result.loc["ben-brake", "fastest_lap"])
    assert result.loc["dee-drift", "points"] == 0.0
    assert pd.isna(result.loc["dee-drift", "position"])
    assert result.loc["dee-drift", "position_text"] == "DNS"
    drivers = bundle.tables["drivers"].set_index("driver_id")
    assert drivers.loc["ada-apex", "number"] == "08"
    assert drivers.loc["ada-apex", "date_of_birth"] == pd.Timestamp("1999-02-28")
    assert drivers.loc["ben-brake", ["number", "date_of_birth"]].isna().all()
    assert pd.isna(drivers.loc["eve-edge", "code"])
    retired = of_race(bundle, "race_results", "1955-alphaland").iloc[-1]
    assert retired["reason_retired"] == "Engine, oil"


def test_words_that_look_missing_are_words(world: World, parse: Parse) -> None:
    """``NA``, ``None`` and ``nan`` are names to F1DB; only an empty cell is missing."""
    world.rows["drivers"][1] |= {"abbreviation": "NAN", "lastName": "None", "nationalityCountryId": "NA"}
    driver = parse(world).tables["drivers"].set_index("driver_id").loc["ben-brake"]
    assert driver[["code", "last_name", "country_id"]].tolist() == ["NAN", "None", "NA"]


def test_one_driver_twice_in_qualifying(bundle: SourceBundle) -> None:
    rows = of_race(bundle, "qualifying_results", "2026-alphaland")
    assert rows.loc[rows["driver_id"] == "ben-brake", "position_text"].tolist() == ["NC", "DSQ"]


def test_standings(bundle: SourceBundle) -> None:
    drivers = of_race(bundle, "driver_standings", "2026-alphaland")
    assert drivers["driver_id"].tolist() == ["ada-apex", "cy-curb", "ben-brake"]
    teams = of_race(bundle, "constructor_standings", "2026-alphaland")
    assert (teams["position_text"].tolist(), teams["points"].tolist()) == (["EX"], [40.5])
    assert teams["position"].isna().all()
