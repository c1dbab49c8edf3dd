"""The pages of drivers, teams and circuits under AppTest: every view, every filter, nothing to show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, delete
from streamlit.testing.v1 import AppTest

import f1_app.dashboard
from f1_app.dashboard.views import circuits, drivers, teams
from f1_pipeline.storage import schema

APP = Path(f1_app.dashboard.__file__).with_name("app.py")
PAGES = ("drivers", "teams", "circuits")
VIEWS = [
    (page, view)
    for page, views in (("drivers", drivers.VIEWS), ("teams", teams.VIEWS), ("circuits", circuits.VIEWS))
    for view in views
]


def show(page: str, **query: str) -> AppTest:
    at = AppTest.from_file(str(APP), default_timeout=60)
    at.run()
    at.switch_page(f"views/{page}.py")
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception, at.exception[0].message
    return at


def texts(at: AppTest) -> str:
    parts = [*at.title, *at.markdown, *at.caption, *at.info, *at.warning, *at.error, *at.subheader]
    return "\n".join(str(part.value) for part in parts)


def cards(at: AppTest) -> dict[str, str]:
    return {card.label: card.value for card in at.metric}


@pytest.mark.parametrize(("page", "view"), VIEWS)
def test_every_view_shows_with_everything_and_with_nothing_computed(
    people: Path, page: str, view: str
) -> None:
    at = show(page, view=view)
    assert at.radio(key=f"{page}:view").value == view
    assert at.dataframe
    with create_engine(f"sqlite:///{people}").begin() as connection:
        for table in (
            schema.elo_ratings,
            schema.joint_ratings,
            schema.prediction_reasons,
            schema.feature_matrix,
            schema.starting_grid,
            schema.qualifying_results,
            schema.driver_standings,
            schema.constructor_standings,
        ):
            connection.execute(delete(table))
    assert show(page, view=view).title


@pytest.mark.parametrize("page", PAGES)
def test_simulated_data_are_marked_and_an_empty_database_says_what_to_do(
    make_database: Callable[..., Path], page: str
) -> None:
    file = make_database(source="simulated")
    assert "Simulated championship" in show(page).warning[0].value
    with create_engine(f"sqlite:///{file}").begin() as connection:
        for table in reversed(schema.metadata.sorted_tables):
            connection.execute(delete(table))
    assert "No data yet" in show(page).info[0].value


@pytest.mark.parametrize("page", PAGES)
def test_nonsense_in_the_address_falls_back(people: Path, page: str) -> None:
    nonsense = "<script>"
    names = ("driver", "team", "circuit", "view", "season", "result", "with", "rating", "since", "period")
    at = show(page, **dict.fromkeys(names, nonsense))
    assert nonsense not in texts(at)
    assert at.query_params.get("view") is None


def test_a_driver_with_his_figures_and_filters(people: Path) -> None:
    at = show("drivers", driver="bo-brake")
    assert at.title[0].value == "Bo Brake"
    assert cards(at) == {
        "Races": "4",
        "Wins": "1",
        "Podiums": "4",
        "First on the grid": "2",
        "Points": "37",  # 8, 9, 8 and 4 of races, 8 of the sprint
        "Best championship": "2nd",
        "Championship 2026": "2nd",
    }
    assert len(at.dataframe[0].value) == 4
    at.selectbox(key="drivers:result").set_value("wins").run()
    assert at.query_params["result"] == "wins"
    assert list(at.dataframe[0].value["Race"]) == ["Alphaville Grand Prix"]
    at.selectbox(key="drivers:season").set_value("1955").run()
    assert "No such result" in texts(at)
    shared = show("drivers", driver="gus-gasket").dataframe[0].value
    assert list(shared["Shared"]) == [True, False]


def test_another_driver_starts_with_filters_that_he_has(people: Path) -> None:
    at = show("drivers", driver="bo-brake", season="2026")
    at.selectbox(key="drivers:driver").set_value("gus-gasket").run()
    assert at.title[0].value == "Gus Gasket"
    assert at.selectbox(key="drivers:season").value == "all"
    assert at.query_params.get("season") is None


def test_a_driver_who_was_entered_and_never_raced(people: Path) -> None:
    with create_engine(f"sqlite:///{people}").begin() as connection:
        results = schema.race_results.c
        connection.execute(delete(schema.race_results).where(results.driver_id == "fay-flag"))
    assert "No race yet" in texts(show("drivers", driver="fay-flag"))


def test_team_mates_of_a_driver_and_of_a_season(people: Path) -> None:
    table = show("drivers", driver="ada-arrow", view="team-mates").dataframe[0].value
    found = table.set_index("rival").loc["Bo Brake", ["races", "ahead", "behind", "qualifying_ahead"]]
    assert found.tolist() == [4, 3, 1, 3]
    pairs = show("teams", team="comet", view="team-mates", pair="2026").dataframe[0].value
    assert pairs[["Race", "Qualifying"]].values.tolist() in ([["1 – 1", "2 – 0"]], [["1 – 1", "0 – 2"]])  # noqa: RUF001


def test_ratings_of_a_selection_live_in_the_address(people: Path) -> None:
    at = show(
        "drivers",
        driver="ada-arrow",
        view="ratings",
        **{"with": "bo-brake,nobody,bo-brake,cy-camber,ada-arrow"},
    )
    assert at.multiselect(key="drivers:with").value == ["bo-brake", "cy-camber"]
    assert at.query_params["with"] == "bo-brake,cy-camber"
    assert list(at.dataframe[0].value["Name"]) == ["Ada Arrow", "Bo Brake", "Cy Camber"]
    at.multiselect(key="drivers:with").set_value([]).run()
    assert at.query_params.get("with") is None
    at.selectbox(key="drivers:rating").set_value("joint").run()
    assert at.dataframe[0].value["Newest"].iloc[0] == pytest.approx(0.8 - 1.3 / 6)
    at.selectbox(key="drivers:driver").set_value("bo-brake").run()
    assert list(at.dataframe[0].value["Name"]) == ["Bo Brake"]


def test_a_circuit_with_its_pole_sitters(people: Path) -> None:
    at = show("circuits")
    assert at.title[0].value == "Testring"  # where the next race is
    assert cards(at)["First on the grid won"] == "75 %"
    table = at.dataframe[0].value

    assert "Ada Arrow / Gus Gasket" in set(table["winners"])
    at.radio(key="circuits:period").set_value("2022").run()
    assert cards(at)["Races"] == "3"
    winners = show("circuits", view="winners").dataframe[0].value
    assert winners.set_index("driver")["size"].to_dict() == {"Ada Arrow": 3, "Bo Brake": 1, "Gus Gasket": 1}
    models = show("circuits", view="models")
    assert cards(models)["Retirements"] == "+22.1 %"
