"""The pages Championship, Standings and Calendar under AppTest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import create_engine, delete, insert, update
from streamlit.testing.v1 import AppTest

import f1_app.dashboard
from f1_pipeline.storage import schema

APP = Path(f1_app.dashboard.__file__).with_name("app.py")
PAGES = ("views/championship.py", "views/standings.py", "views/calendar.py")
NEXT = "2026-betatown"
RUN = ("2025-testland", "2026-alphaville", "2026-testland")


def show(page: str, **query: str) -> AppTest:
    at = AppTest.from_file(str(APP), default_timeout=60)
    at.run()
    at.switch_page(page)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception, at.exception[0].message
    return at


def texts(at: AppTest) -> str:
    return "\n".join(
        str(part.value) for part in (*at.title, *at.markdown, *at.caption, *at.info, *at.subheader)
    )


def test_championship_page(season: Path) -> None:
    at = show(PAGES[0])
    assert at.query_params["race"] == NEXT
    assert [(card.label, card.value) for card in at.metric] == [
        ("ARR · Ada Arrow", "60.0 %"),
        ("BRA · Bo Brake", "30.0 %"),
        ("CAM · Cy Camber", "10.0 %"),
    ]
    text = texts(at)
    assert "2 races left" in text
    assert "**3 of 6 drivers can still be champion**; 3 with a chance" in text
    assert "Cutoff 8 May 2026 10:30 UTC" in text
    table = at.dataframe[0].value
    assert list(table["Title"]) == pytest.approx([60, 30, 10, 0, 0, 0])
    assert list(table["Can"]) == [True, True, True, False, False, False]
    assert at.selectbox(key="championship:driver").value == "ada-arrow"
    at.radio(key="championship:kind").set_value("constructor").run()
    assert not at.exception
    assert at.query_params["kind"] == "constructor"
    assert "**Comet Racing is champion** whatever happens" in texts(at)
    assert "No scenarios for this race" in texts(at)


def test_championship_of_a_season_that_is_over_says_how_it_ended(season: Path) -> None:
    at = show(PAGES[0], race=RUN[0])
    assert at.selectbox(key="championship:season").value == "2025"
    assert "In the end it was **Ada Arrow** with 9 points" in texts(at)
    assert list(at.dataframe[0].value["Final"]) == [9, 8, 7, 6, 5, 0]


def test_standings_page(season: Path) -> None:
    at = show(PAGES[1])
    assert at.query_params["race"] == RUN[2]
    table = at.dataframe[0].value
    assert list(table["Code"]) == ["ARR", "BRA", "CAM", "DIF", "ENG", "FLA"]
    assert list(table["Gap"]) == [0, -2, -4, -6, -8, -17.5]
    at.selectbox(key="standings:race").set_value(RUN[1]).run()
    assert next(iter(at.dataframe[0].value["Code"])) == "BRA"
    assert "1 race before the newest standings" in texts(at)
    teams = show(PAGES[1], kind="constructor", lines="all").dataframe[0].value
    assert list(teams["Code"]) == ["Comet Racing Coventry Climax", "Ferrari", "Comet Racing BRM"]


def test_before_there_were_constructors(write: Callable[..., None]) -> None:
    write(
        delete(schema.constructor_standings),
        insert(schema.seasons).values(season=1950),
        update(schema.races).where(schema.races.c.race_key == RUN[0]).values(season=1950),
    )
    at = show(PAGES[1], season="1950")
    assert "Only the best 4 results of 1950 counted" in texts(at)
    at.radio(key="standings:kind").set_value("constructor").run()
    assert "began in 1958" in at.info[0].value


def test_calendar_page(season: Path) -> None:
    at = show(PAGES[2])
    table = at.dataframe[0].value
    assert list(table["state"]) == ["done", "done", "cancelled", "next", "to come"]
    assert list(table["name"]) == ["Alphaville", "Testland", "Gammaford", "Betatown", "Deltaburg"]
    assert table["link"].iloc[3] == f"compare?race={NEXT}"
    assert pd.isna(table["link"].iloc[4]), "there is no forecast to show"
    assert (
        "4 races · 2 done · 1 to come · 1 cancelled · 1 sprint weekend · next: **Betatown Grand Prix**"
        in texts(at)
    )
    at.selectbox(key="calendar:season").set_value("2025").run()
    assert list(at.dataframe[0].value["name"]) == ["Testland"]
    assert "sprint" not in at.dataframe[0].value


@pytest.mark.parametrize("page", PAGES)
def test_pages_without_their_rows_and_with_nonsense(database: Path, page: str) -> None:
    at = show(page, season="<b>", race="<b>", kind="<b>", lines="<b>", driver="<b>", events="<b>")
    assert "<b>" not in texts(at)
    if page != PAGES[2]:
        assert "f1 update" in at.info[0].value


@pytest.mark.parametrize("page", PAGES)
def test_pages_of_a_database_that_is_not_there_or_empty(f1_home: Path, page: str) -> None:
    assert "No database yet" in show(page).info[0].value
    engine = create_engine(f"sqlite:///{f1_home / 'f1.db'}")
    schema.metadata.create_all(engine)
    engine.dispose()
    assert "No data yet" in show(page).info[0].value
