"""Take the pictures of the dashboard that the README shows.

    .venv/bin/python scripts/screenshots.py --home PATH [--only NAME ...] [--out docs/images] [--chromium PATH]

Starts the dashboard on the state in PATH (which it only reads), opens its pages in a headless browser and writes
one picture for each, of the first page also a dark one. It knows the dashboard from outside only, so that it keeps working whatever
is behind the pages.
"""

from __future__ import annotations

import argparse
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
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
MAX_BYTES = 250_000
"""A picture in a repository is fetched by everyone who clones it, in every version it ever had."""
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Shot:
    """One picture: which page, how much of it, and a text that is there once the page is complete."""

    name: str
    address: str
    height: int
    ready: str
    schemes: tuple[str, ...] = ("light",)
    wanted: bool = True
    """Taken without being asked for by name: the README shows it."""


# Seven pictures for the README, each of a page that looks different from the others; the rest by name.
SHOTS = (
    Shot("next-race", "/", 1420, "Who wins", ("light", "dark")),
    Shot("any-race", "/compare?horizon=pre_race", 1400, "Win probability by model"),
    Shot("championship", "/championship", 1400, "Championship"),
    Shot("standings", "/standings", 1200, "Standings", wanted=False),
    Shot("calendar", "/calendar", 1200, "Calendar", wanted=False),
    Shot("drivers", "/drivers?view=ratings&rating=joint", 1100, "Ratings"),
    Shot("circuits", "/circuits", 1400, "Circuits"),
    Shot("accuracy", "/accuracy?horizon=pre_race", 1520, "Calibration"),
    Shot("data", "/data?tables=source", 1300, "What changed", wanted=False),
)


@contextmanager
def dashboard(home: Path) -> Iterator[str]:
    """Run the dashboard on a free port; its address. The process group is ended afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "f1_app/dashboard/app.py"]
    process = subprocess.Popen(
        [*command, "--server.address=127.0.0.1", f"--server.port={port}"],
        cwd=ROOT,
        env={**os.environ, "F1_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(15)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the dashboard ended with exit code {process.returncode}")
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):  # noqa: S310 - own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"the dashboard is not ready after {PATIENCE_SECONDS} s")


def take(browser: Browser, address: str, shot: Shot, scheme: str, out: Path) -> Path:
    """Open one page and write its picture."""
    page = browser.new_page(
        viewport={"width": 1280, "height": shot.height},
        color_scheme=scheme,  # type: ignore[arg-type]
        timezone_id="Europe/Amsterdam",
        locale="en-GB",
    )
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    page.goto(address + shot.address)
    main = page.get_by_test_id("stMain")
    main.get_by_text(shot.ready).first.wait_for()
    # The footer is written last: with it every chart and table of the page is on its way.
    main.get_by_text("CC BY 4.0").first.wait_for()
    if main.get_by_test_id("stPlotlyChart").count():
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
    if page.get_by_test_id("stException").count():
        raise SystemExit(f"the page {shot.address} shows an error")
    # A widget whose code is still being fetched stands as a grey box, on a busy machine for seconds.
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
    page.wait_for_timeout(2500)  # charts and tables draw once more when their width is known
    target = out / f"{shot.name}-{scheme}.png"
    page.screenshot(path=str(target))
    page.close()
    _shrink(target)
    return target


def _shrink(picture: Path) -> None:
    """As few bytes as keep the colours; where these are too many, a palette of 256: a third of the size, but small
    marks of a rare colour get that of their neighbours."""
    with Image.open(picture) as image:
        full = image.convert("RGB")
    full.save(picture, optimize=True)
    if picture.stat().st_size > MAX_BYTES:
        full.quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)
    if picture.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{picture} has {picture.stat().st_size:,} bytes; at most {MAX_BYTES:,} are wanted")


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description="Take the pictures of the dashboard.")
    parser.add_argument("--home", type=Path, required=True, help="state to show: what F1_HOME names")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images", help="where to write")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[shot.name for shot in SHOTS],
        help="these pages, in place of those that the README shows",
    )
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    options = parser.parse_args()
    if not options.chromium:
        raise SystemExit("no chromium found: name one with --chromium")
    options.out.mkdir(parents=True, exist_ok=True)
    with dashboard(options.home.resolve()) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        for shot in SHOTS:
            if not (shot.name in options.only if options.only else shot.wanted):
                continue
            for scheme in shot.schemes:
                written = take(browser, address, shot, scheme, options.out)
                print(f"{written} ({written.stat().st_size:,} bytes)")
        browser.close()


if __name__ == "__main__":
    main()
