"""The dashboard where forecasts are turned off: when and where the next race is, and no page of forecasts."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import f1_app.dashboard
from f1_app.dashboard import app, data
from f1_pipeline.settings import get_settings

APP = Path(f1_app.dashboard.__file__).with_name("app.py")


def show(monkeypatch: pytest.MonkeyPatch, enabled: bool) -> tuple[AppTest, list[str]]:
    """The first page, and the addresses in the navigation."""
    found: list[str] = []
    original = app.st.navigation

    def navigation(pages: list[object], **options: object) -> object:
        found.extend(str(getattr(page, "url_path")) for page in pages)  # noqa: B009
        return original(pages, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(app.st, "navigation", navigation)
    monkeypatch.setenv("F1_ENABLE_PREDICTIONS", str(enabled))
    get_settings.cache_clear()
    at = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not at.exception, at.exception[0].message
    return at, found


def test_forecasts_are_left_out(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at, addresses = show(monkeypatch, enabled=False)
    assert "Betatown Grand Prix" in "\n".join(
        str(part.value) for part in (*at.title, *at.markdown, *at.caption)
    )
    assert not at.metric
    assert all(
        "Win %" not in table.value.columns and "Win" not in table.value.columns for table in at.dataframe
    )
    assert not set(app.FORECAST_PAGES) & set(addresses)
    assert "" in addresses


def test_the_calendar_leads_to_no_forecast(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for enabled in (True, False):
        monkeypatch.setenv("F1_ENABLE_PREDICTIONS", str(enabled))
        get_settings.cache_clear()
        at = AppTest.from_file(str(APP), default_timeout=60)
        at.switch_page("views/calendar.py").run()
        assert not at.exception, at.exception[0].message
        assert ("link" in at.dataframe[0].value.columns) == enabled


def test_forecasts_are_shown_otherwise(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at, addresses = show(monkeypatch, enabled=True)
    assert at.metric
    assert {"compare", "accuracy"} <= set(addresses)


def test_settings_that_are_not_valid_are_said_by_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F1_API_PER_MINUTE", "-1")
    get_settings.cache_clear()
    assert data.forecasts_shown()
