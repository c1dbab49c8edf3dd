"""The dashboard as a reader meets it: a real server, a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.in_browser import IN_BROWSER, reader, serve, shows, told

pytestmark = IN_BROWSER


def test_pages_in_a_browser(database: Path, browser: Browser) -> None:
    with serve(database.parent) as address:
        # An inner page first: a new server must not need its start page to have been opened.
        with reader(browser) as page:
            page.goto(f"{address}/compare?race=2026-alphaville&horizon=pre_weekend")
            shows(page, "Alphaville Grand Prix 2026", "P1 BRA", "Scores of this race", "CC BY 4.0")
            expect(page.locator(".js-plotly-plot").first).to_be_visible()
            expect(page.locator(".legendtext").filter(has_text="Ensemble")).to_be_visible()
            expect(page.get_by_text("ARR · P2", exact=True)).to_have_count(1)

        with reader(browser) as page:
            page.goto(address)
            shows(
                page, "Betatown Grand Prix 2026", "your time", "Entry list only", "ARR · Ada Arrow", "40.0 %"
            )
            shows(page, "at the track (Australia/Sydney)")
            expect(page.locator(".js-plotly-plot .ytick text")).to_have_count(6)
            ticks = page.locator(".js-plotly-plot .ytick text").evaluate_all(
                "nodes => nodes.map(node => [node.getBoundingClientRect().y, node.textContent]).sort("
                "(a, b) => a[0] - b[0]).map(pair => pair[1])"
            )
            assert ticks == ["ARR", "BRA", "CAM", "DIF", "ENG", "FLA"]
            cells = page.get_by_test_id("stDataFrame").locator("td")
            expect(cells.filter(has_text="Ada Arrow").first).to_be_attached()
            # Choosing a model changes the numbers and the address.
            page.get_by_test_id("stSelectbox").locator("input").click()
            page.get_by_role("option", name="Elo", exact=True).click()
            shows(page, "30.0 %")
            page.wait_for_url("**/?model=elo")
            page.get_by_role("link", name="How good are we").click()
            shows(page, "Best model: Ensemble", "1.073", "Best baseline: Uniform", "1.792")
            expect(page.locator(".js-plotly-plot").first).to_be_visible()
            page.get_by_role("link", name="Data", exact=True).click()
            shows(page, "Nothing is late.", "What changed", "Dagster: runs")

        for options in ({"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}):
            with reader(browser, **options) as page:
                page.goto(address)
                shows(page, "Betatown Grand Prix 2026", "40.0 %", "CC BY 4.0")
                # Nothing sticks out of a phone: only tables scroll sideways, inside themselves.
                main = page.get_by_test_id("stMain")
                assert main.evaluate("node => node.scrollWidth <= node.clientWidth")


def cells(page: Page, first: str) -> list[list[str]]:
    """The rows of the first table that has a cell with this text, as a reader of the screen is told them."""
    table = page.get_by_test_id("stDataFrame").filter(has=page.locator("td", has_text=first)).first
    expect(table.locator("td").first).to_be_attached()
    found: list[list[str]] = table.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.querySelectorAll('td')].map(cell => cell.textContent))"
    )
    return found


def test_the_page_says_what_the_command_says(race_database: Path, browser: Browser) -> None:
    home = race_database.parent
    race, sprint = told(home), told(home, "--sprint")
    with serve(home) as address, reader(browser) as page:
        page.goto(address)
        shows(page, "Where everybody may finish", "Team-mates", "Why", "The sprint", "Past winners")
        expect(page.locator(".js-plotly-plot")).to_have_count(6)
        for card, row in zip(page.get_by_test_id("stMetric").all(), race[:3], strict=True):
            assert f"{row['driver_code']} · {row['driver_name']}" in card.inner_text()
            assert f"{row['win_probability'] * 100:.1f} %" in card.inner_text()
        rows = cells(page, race[0]["driver_name"])
        assert len(rows) == len(race)
        for shown, row in zip(rows, race, strict=True):
            assert row["driver_name"] in shown
            # Cells hold the numbers before they are rounded.
            numbers = [float(cell) for cell in shown if re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell)]
            stated = [row[f"{name}_probability"] * 100 for name in ("win", "podium", "points", "retirement")]
            stated += [row["interval_low"] * 100, row["interval_high"] * 100, row["expected_position"]]
            for value in stated:
                assert any(number == pytest.approx(value, abs=0.06) for number in numbers), (value, shown)
        # The bars of the sprint are the very numbers too.
        drawn: list[list[float]] = page.evaluate(
            "[...document.querySelectorAll('.js-plotly-plot')].map(plot => Array.from(plot._fullData[0].x))"
        )
        percents = [row["win_probability"] * 100 for row in sprint]
        assert any(len(bars) == len(percents) and bars == pytest.approx(percents) for bars in drawn)


def test_results_stay_hidden_in_a_browser(race_database: Path, browser: Browser) -> None:
    with serve(race_database.parent) as address, reader(browser) as page:
        page.goto(f"{address}/compare?race=2026-alphaville&spoilers=hidden")
        shows(page, "Alphaville Grand Prix 2026", "Where everybody may finish", "Win probability by model")
        expect(page.get_by_text("P1 BRA")).to_have_count(0)
        page.get_by_role("button", name="Show the result of this race").click()
        shows(page, "P1 BRA", "Scores of this race")


def test_no_database_in_a_browser(f1_home: Path, browser: Browser) -> None:
    with serve(f1_home) as address, reader(browser) as page:
        page.goto(f"{address}/accuracy")
        shows(page, "No database yet.", "make run")


def test_drivers_teams_and_circuits_in_a_browser(database: Path, browser: Browser) -> None:
    with serve(database.parent) as address:
        with reader(browser) as page:
            page.goto(f"{address}/drivers?driver=bo-brake&view=team-mates")
            shows(page, "Bo Brake", "How often Bo Brake was ahead")
            expect(page.locator(".js-plotly-plot .ytick text").first).to_have_text("ARR 2025\u20132026")
            page.get_by_text("Seasons", exact=True).click()
            page.wait_for_url("**/drivers?driver=bo-brake&view=seasons")
            page.get_by_role("link", name="Circuits").click()
            shows(page, "Testring", "First on the grid won")
        for options in ({"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}):
            with reader(browser, **options) as page:
                page.goto(f"{address}/teams?team=comet")
                shows(page, "Comet Racing", "Podiums", "CC BY 4.0")
                main = page.get_by_test_id("stMain")
                assert main.evaluate("node => node.scrollWidth <= node.clientWidth")


def test_the_calendar_goes_into_a_calendar(database: Path, browser: Browser) -> None:
    with serve(database.parent) as address, reader(browser, viewport={"width": 390, "height": 844}) as page:
        page.goto(f"{address}/calendar?season=2026&events=races")
        shows(page, "next: ", "Sessions in your time zone (Europe/Berlin)")
        with page.expect_download() as download:
            page.get_by_role("button", name="Download f1-2026.ics").click()
        assert download.value.suggested_filename == "f1-2026.ics"
        content = download.value.path().read_text(encoding="utf-8")
        assert content.count("BEGIN:VEVENT") == 5
        assert content.count("STATUS:CANCELLED") == 1
        assert "UID:2026-betatown-race@f1-forecast" in content
        main = page.get_by_test_id("stMain")
        assert main.evaluate("node => node.scrollWidth <= node.clientWidth")
