"""Every page of the dashboard on real data, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.in_browser import IN_BROWSER, reader, serve, shows, told
from tests.quiet import QUIET

pytestmark = [pytest.mark.archive, *IN_BROWSER, *QUIET]

PAGES = {
    "/": "Where everybody may finish",
    "/compare": "Scores of this race",
    "/championship": "Who can still win",
    "/standings": "Points over the season",
    "/calendar": "Races and sessions",
    "/drivers?view=ratings": "Compare with other drivers",
    "/teams": "Podiums",
    "/circuits": "Race by race",
    "/accuracy": "Calibration",
    "/data": "What changed",
}
"""Every page, and words that stand far down on it."""


def test_every_page_on_the_real_archive(home: Path, browser: Browser) -> None:
    """One season of forecasts by quickly trained models; the pages cannot tell."""
    forecast = told(home)
    looks = {
        # Dark ones are looked at on the small database.
        "light": {"color_scheme": "light"},
        "phone": {"viewport": {"width": 390, "height": 844}},
    }
    with serve(home) as address:
        shown = set(_navigation(browser, address))
        assert shown == {path.split("?")[0] for path in PAGES}, "a page that is not looked at"
        for look, options in looks.items():
            with reader(browser, **options) as page:
                for path, words in PAGES.items():
                    page.goto(address + path)
                    shows(page, words, "CC BY 4.0")
                    expect(page.get_by_test_id("stException")).to_have_count(0)
                    main = page.get_by_test_id("stMain")
                    assert main.evaluate("node => node.scrollWidth <= node.clientWidth"), (look, path)
                    if path == "/":
                        expect(page.get_by_test_id("stMetric")).to_have_count(3)
                        for card, row in zip(
                            page.get_by_test_id("stMetric").all(), forecast[:3], strict=True
                        ):
                            assert f"{row['driver_code']} · {row['driver_name']}" in card.inner_text()
                            assert f"{row['win_probability'] * 100:.1f} %" in card.inner_text()


def _navigation(browser: Browser, address: str) -> list[str]:
    """The addresses in the navigation."""
    with reader(browser) as page:
        page.goto(address)
        shows(page, "CC BY 4.0")
        found: list[str] = page.get_by_test_id("stTopNavLink").evaluate_all(
            "links => links.map(link => new URL(link.href).pathname)"
        )
        return found
