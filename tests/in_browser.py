"""A reader's browser and the dashboard that it opens: a real server, a real browser."""

from __future__ import annotations

import json
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
from typing import Any

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
IN_BROWSER = [
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


def told(home: Path, *arguments: str) -> list[dict[str, Any]]:
    """What the ``f1`` command says of the same state."""
    answer = subprocess.run(
        [str(Path(sys.executable).with_name("f1")), "forecast", "--format", "json", *arguments],
        cwd=ROOT,
        env={**os.environ, "F1_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    rows: list[dict[str, Any]] = json.loads(answer.stdout)
    return rows


@contextmanager
def opened() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield chromium
        chromium.close()
