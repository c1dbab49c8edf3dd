"""Every page under AppTest: full, empty, missing, simulated, late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, delete, update
from streamlit.testing.v1 import AppTest

import f1_app.dashboard
from f1_pipeline.settings import get_settings
from f1_pipeline.storage import schema

APP = Path(f1_app.dashboard.__file__).with_name("app.py")
PAGES = ["views/next_race.py", "views/compare.py", "views/accuracy.py", "views/data.py"]


def show(page: str = PAGES[0], **query: str) -> AppTest:
    at = AppTest.from_file(str(APP), default_timeout=60)
    if page != PAGES[0]:
        at.run()
        at.switch_page(page)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception, at.exception[0].message
    return at


def texts(at: AppTest) -> str:
    parts = [*at.title, *at.markdown, *at.caption, *at.info, *at.warning, *at.error, *at.subheader]
    return "\n".join(str(part.value) for part in parts)


@pytest.mark.parametrize("page", PAGES)
def test_footer_names_the_source_and_says_who_we_are_not(database: Path, page: str) -> None:
    text = texts(show(page))
    assert "https://github.com/f1db/f1db" in text
    assert "CC BY 4.0" in text
    assert "not associated in any way with the Formula 1 companies" in text
    assert "Simulated" not in text


@pytest.mark.parametrize("page", PAGES)
def test_simulated_data_are_marked(make_database: Callable[..., Path], page: str) -> None:
    make_database(source="simulated")
    at = show(page)
    assert at.warning[0].value.startswith("**Simulated championship — invented drivers and results.**")
    assert "f1db" not in texts(at)


@pytest.mark.parametrize("page", PAGES)
def test_missing_database_says_what_to_do(page: str) -> None:
    at = show(page)
    assert "No database yet" in at.info[0].value
    assert "make run" in at.info[0].value
    assert "f1 update" in at.info[0].value


@pytest.mark.parametrize("page", PAGES)
def test_database_without_tables_says_what_to_do(f1_home: Path, page: str) -> None:
    (f1_home / "f1.db").touch()
    assert "no tables yet" in show(page).info[0].value


@pytest.mark.parametrize("page", PAGES)
def test_empty_tables_say_what_to_do(f1_home: Path, page: str) -> None:
    engine = create_engine(f"sqlite:///{f1_home / 'f1.db'}")
    schema.metadata.create_all(engine)
    engine.dispose()
    at = show(page)
    assert "No data yet" in at.info[0].value
    assert at.title


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (PAGES[0], "No forecast of this race yet"),
        (PAGES[1], "No forecasts yet"),
        (PAGES[2], "No forecast has been scored yet"),
    ],
)
def test_data_without_forecasts(make_database: Callable[..., Path], page: str, says: str) -> None:
    make_database(forecasts=False)
    at = show(page)
    assert says in at.info[0].value
    assert "f1 update" in at.info[0].value


def test_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F1_SEED", "-3")
    get_settings.cache_clear()
    assert "F1_SEED" in show().error[0].value


def test_next_race_shows_the_forecast_and_what_it_knew(database: Path) -> None:
    at = show()
    assert at.title[0].value == "Betatown Grand Prix 2026"
    text = texts(at)
    assert "Round 4 of 2026 · Testring, Testford · 50 laps of 5.250 km with 15 turns · sprint weekend" in text
    assert "at the track (Australia/Sydney)" in text
    assert "Entry list only, cutoff 2 May 2026 15:40 UTC" in text
    assert "Ensemble, version 7" in text
    assert "data release v2026.5 · made 2 May 2026 15:45 UTC" in text
    assert [(card.label, card.value) for card in at.metric] == [
        ("ARR · Ada Arrow", "40.0 %"),
        ("BRA · Bo Brake", "25.0 %"),
        ("CAM · Cy Camber", "15.0 %"),
    ]
    table = at.dataframe[0].value
    assert list(table["Code"]) == ["ARR", "BRA", "CAM", "DIF", "ENG", "FLA"]
    assert table["Win"].sum() == pytest.approx(100)
    assert table["Low"].iloc[0] == pytest.approx(32)
    assert not at.warning


def test_another_model_can_be_chosen_and_shared(database: Path) -> None:
    at = show()
    at.selectbox(key="next:model").set_value("elo").run()
    assert at.query_params["model"] == "elo"
    assert at.metric[0].value == "30.0 %"
    assert "trained on 1,234 entries up to 2026-testland" in texts(at)
    assert "Low" not in at.dataframe[0].value  # Elo states no interval
    assert show(model="elo").metric[0].value == "30.0 %"


@pytest.mark.parametrize("page", PAGES[:3])
def test_nonsense_in_the_address_falls_back(database: Path, page: str) -> None:
    nonsense = "<script>"
    at = show(page, season=nonsense, race=nonsense, horizon=nonsense, model=nonsense, metric=nonsense)
    assert nonsense not in texts(at)
    assert at.query_params.get("horizon") is None


def test_late_data_say_how_old_they_are(make_database: Callable[..., Path]) -> None:
    # Races start at five: at any time of day this one did three days ago, and not yet four.
    make_database(next_date=(dt.datetime.now(dt.UTC) - dt.timedelta(days=3, hours=5)).date())
    at = show()
    assert "These data are old" in at.warning[0].value
    assert "The Betatown Grand Prix was due 3 days ago" in at.warning[0].value
    assert at.metric


def test_a_simulated_championship_is_not_called_late(make_database: Callable[..., Path]) -> None:
    make_database(source="simulated", next_date=dt.datetime.now(dt.UTC).date() - dt.timedelta(3))
    warnings = [warning.value for warning in show().warning]
    assert len(warnings) == 1, "no update would bring its next result"
    assert "Simulated" in warnings[0]


def test_no_race_ahead(database: Path) -> None:
    with create_engine(f"sqlite:///{database}").begin() as connection:
        connection.execute(update(schema.races).values(is_cancelled=True))
    assert "No race lies ahead" in show().info[0].value


def test_a_new_materialisation_shows_at_once(database: Path) -> None:
    at = show()
    with create_engine(f"sqlite:///{database}").begin() as connection:
        connection.execute(
            update(schema.predictions)
            .where(
                schema.predictions.c.race_key == "2026-betatown", schema.predictions.c.driver_id == "bo-brake"
            )
            .values(win_probability=0.9, created_at=dt.datetime(2026, 5, 9, tzinfo=dt.UTC))
        )
    at.run()
    assert (at.metric[0].label, at.metric[0].value) == ("BRA · Bo Brake", "90.0 %")


def test_a_database_that_goes_away_and_comes_back(make_database: Callable[..., Path]) -> None:
    file = make_database()
    at = show()
    file.rename(file.with_suffix(".away"))
    at.run()
    assert not at.exception
    assert "No database yet" in at.info[0].value
    file.with_suffix(".away").rename(file)
    at.run()
    assert at.metric[0].value == "40.0 %"


def test_compare_opens_with_the_newest_finished_race(database: Path) -> None:
    at = show(PAGES[1])
    assert at.title[0].value == "Testland Grand Prix 2026"
    assert at.query_params["race"] == "2026-testland"
    assert "**P1 ARR** Ada Arrow · **P2 BRA** Bo Brake" in texts(at)
    table = at.dataframe[0].value
    assert list(table["Code"]) == ["ARR", "BRA", "CAM", "DIF", "ENG", "FLA"]
    assert table["Out"].iloc[-1] == "Gearbox"
    assert table["Win"].sum() == pytest.approx(100)
    models = at.dataframe[1].value
    assert models["ensemble"].sum() == pytest.approx(100)
    scores = at.dataframe[2].value
    assert list(scores["model"]) == ["Ensemble", "Elo", "Uniform (baseline)"]


def test_compare_follows_the_address_and_the_reader(database: Path) -> None:
    at = show(PAGES[1], race="2025-testland", horizon="pre_weekend")
    assert at.title[0].value == "Testland Grand Prix 2025"
    assert at.selectbox(key="compare:season").value == "2025"
    assert at.radio(key="compare:horizon").value == "pre_weekend"
    at.selectbox(key="compare:season").set_value("2026").run()
    assert at.title[0].value == "Testland Grand Prix 2026"
    at.selectbox(key="compare:race").set_value("2026-betatown").run()
    assert at.title[0].value == "Betatown Grand Prix 2026"
    assert at.query_params["race"] == "2026-betatown"
    assert "Not run yet" in at.info[0].value


def test_compare_says_when_a_race_is_not_scored(make_database: Callable[..., Path]) -> None:
    make_database(scores=False)
    assert "Not scored yet" in show(PAGES[1]).info[0].value


def test_compare_keeps_drivers_of_whom_only_one_side_knows(database: Path) -> None:
    with create_engine(f"sqlite:///{database}").begin() as connection:
        results, forecasts = schema.race_results.c, schema.predictions.c
        connection.execute(delete(schema.race_results).where(results.driver_id == "cy-camber"))
        connection.execute(delete(schema.predictions).where(forecasts.driver_id == "bo-brake"))
    at = show(PAGES[1])
    one, every = (at.dataframe[place].value.set_index("Code") for place in (0, 1))
    for table, column in ((one, "Win"), (every, "ensemble")):
        assert table.loc["CAM", "Out"] == "did not take part"
        assert table.loc["BRA", [column]].isna().all()


def test_accuracy_compares_with_baselines(database: Path) -> None:
    at = show(PAGES[2])
    labels = [(card.label, card.value) for card in at.metric]
    assert labels[0] == ("Best model: Ensemble", "1.073")  # -(2 ln 0.4 + ln 0.25) / 3
    assert labels[1] == ("Best baseline: Uniform", "1.792")
    assert labels[2] == ("Races scored", "3")
    by_season = next(frame.value for frame in at.dataframe if "Races" in frame.value)
    assert list(by_season["season"]) == [2026, 2025]
    assert list(by_season["Races"]) == [2, 1]


def test_accuracy_by_metric_and_season(database: Path) -> None:
    at = show(PAGES[2], metric="winner_correct", season="2026", horizon="pre_weekend", mean="cumulative")
    assert at.selectbox(key="accuracy:metric").value == "winner_correct"
    assert at.radio(key="accuracy:mean").value == "cumulative"
    assert at.metric[0].value == "0.50"
    for metric in ("spearman", "brier", "rank_error"):
        at.selectbox(key="accuracy:metric").set_value(metric).run()
        assert not at.exception
