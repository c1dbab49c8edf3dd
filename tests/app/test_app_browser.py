"""The dashboard as a reader meets it: a real server, a real browser."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

import f1_app.dashboard

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ROOT = Path(f1_app.dashboard.__file__).parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
expect.set_options(timeout=60_000)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium binary on the path"),
]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(home: Path) -> Iterator[str]:
    """Run the dashboard on a free port; end its whole process group afterwards."""
    port = _free_port()
    log = home / "streamlit.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "streamlit"),
                *("run", "f1_app/dashboard/app.py"),
                *("--server.address", "127.0.0.1", "--server.port", str(port)),
            ],
            cwd=ROOT,
            env={**os.environ, "F1_HOME": str(home)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5):
                        break
                except (urllib.error.URLError, OSError):
                    assert process.poll() is None, log.read_text()
                    assert time.monotonic() < deadline, log.read_text()
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(15)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


@contextmanager
def reader(browser: Browser, **options: object) -> Iterator[Page]:
    """A page in Berlin; anything the browser complains about fails the test."""
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # On an inner page Streamlit first looks for its server below the page, and is answered 404.
        probing = message.location["url"].endswith(("/_stcore/health", "/_stcore/host-config"))
        if message.type == "error" and not probing:
            complaints.append(f"{message.text} {message.location['url']}")

    context = browser.new_context(
        **{"viewport": {"width": 1400, "height": 900}, "timezone_id": "Europe/Berlin", **options}  # type: ignore[arg-type]
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))
            else complaints.append(f"asked the internet for {request.url}")
        ),
    )
    yield page
    expect(page.get_by_test_id("stException")).to_have_count(0)
    context.close()
    assert not complaints


def shows(page: Page, *texts: str) -> None:
    for text in texts:
        expect(page.get_by_test_id("stMain").get_by_text(text).first).to_be_visible(timeout=60_000)


def test_pages_in_a_browser(database: Path, browser: Browser) -> None:
    with serve(database.parent) as address:
        # An inner page first: a new server must not need its start page to have been opened.
        with reader(browser) as page:
            page.goto(f"{address}/compare?race=2026-alphaville&horizon=pre_weekend")
            shows(page, "Alphaville Grand Prix 2026", "P1 BRA", "Scores of this race", "CC BY 4.0")
            expect(page.locator(".js-plotly-plot")).to_be_visible()
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
            expect(page.locator(".js-plotly-plot")).to_be_visible()

        for options in ({"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}):
            with reader(browser, **options) as page:
                page.goto(address)
                shows(page, "Betatown Grand Prix 2026", "40.0 %", "CC BY 4.0")
                # Nothing sticks out of a phone: only tables scroll sideways, inside themselves.
                main = page.get_by_test_id("stMain")
                assert main.evaluate("node => node.scrollWidth <= node.clientWidth")


def test_no_database_in_a_browser(f1_home: Path, browser: Browser) -> None:
    with serve(f1_home) as address, reader(browser) as page:
        page.goto(f"{address}/accuracy")
        shows(page, "No database yet.", "make run")


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
