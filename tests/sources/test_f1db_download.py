"""Probe and download of F1DB releases against a real HTTP server on the loopback interface."""

from __future__ import annotations

import threading
import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from f1_pipeline.errors import ArchiveCorrupt, SourceRefused, SourceUnavailable
from f1_pipeline.sources.f1db.release import Copy, download, last_good, latest_release, sha256
from tests.sources.releases_page import NO_WAITS, PROBE, WAITS, ReleasesPage, closed_port, files

# --- probe -----------------------------------------------------------------------------------------------


def test_the_probe_reads_the_version_from_the_redirect(page: ReleasesPage) -> None:
    assert latest_release(page.url, 5, NO_WAITS) == "v2026.2.0"
    assert page.requests == [PROBE]


def test_the_probe_tries_again_after_each_wait(page: ReleasesPage) -> None:
    page.script = ["500", "503", "hang up"]
    assert latest_release(page.url, 5, WAITS) == "v2026.2.0"
    assert page.requests == [PROBE] * 4
    gaps = [later - earlier for earlier, later in zip(page.times, page.times[1:], strict=False)]
    assert [gap >= wait for gap, wait in zip(gaps, WAITS, strict=True)] == [True, True, True]
    assert sum(gaps) < sum(WAITS) + 2


@pytest.mark.parametrize("status", ["408", "429", "500", "502", "503", "504"])
def test_the_probe_gives_up_after_the_last_wait(page: ReleasesPage, status: str) -> None:
    page.script = [status] * 9
    with pytest.raises(SourceUnavailable, match=f"f1db release probe: HTTP {status}"):
        latest_release(page.url, 5, (0.0, 0.0))
    assert page.requests == [PROBE] * 3


@pytest.mark.parametrize("answer", ["400", "401", "403", "404", "405", "410", "501", "html", "elsewhere"])
def test_a_refusal_is_not_asked_again(page: ReleasesPage, answer: str) -> None:
    page.script = [answer]
    with pytest.raises(SourceRefused, match="f1db release probe"):
        latest_release(page.url, 5, WAITS)
    assert page.requests == [PROBE]


def test_a_silent_server_is_left_after_the_time_limit(page: ReleasesPage) -> None:
    page.script = ["silent", "silent"]
    with pytest.raises(SourceUnavailable):
        latest_release(page.url, 0.1, (0.0,))
    assert len(page.requests) == 2


def test_nobody_listening() -> None:
    with pytest.raises(SourceUnavailable, match="f1db release probe"):
        latest_release(closed_port(), 5, (0.0,))


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(SourceRefused, match="f1db release probe"):
        latest_release("releases", 5, WAITS)


# --- download --------------------------------------------------------------------------------------------


def test_a_download_becomes_the_last_good_copy(page: ReleasesPage, directory: Path, archive: bytes) -> None:
    copy = download(page.url, "v2026.2.0", directory, 5, NO_WAITS)
    assert Path(copy.path).read_bytes() == archive
    assert (copy.release, copy.digest) == ("v2026.2.0", sha256(Path(copy.path)))
    assert page.requests == [
        "GET /releases/download/v2026.2.0/f1db-csv.zip",
        "GET /assets/v2026.2.0/f1db-csv.zip",
    ]
    assert last_good(directory) == copy
    assert files(directory) == {"f1db-csv-v2026.2.0.zip", "f1db.json"}


@pytest.mark.parametrize("trouble", ["500", "cut", "hang up"])
def test_a_download_is_tried_again(page: ReleasesPage, directory: Path, archive: bytes, trouble: str) -> None:
    page.script = [trouble]
    copy = download(page.url, "v2026.2.0", directory, 5, WAITS)
    assert Path(copy.path).read_bytes() == archive
    assert page.requests.count("GET /releases/download/v2026.2.0/f1db-csv.zip") == 2


@pytest.mark.parametrize("trouble", ["503", "cut", "hang up"])
def test_a_download_that_stays_cut_short_is_given_up(
    page: ReleasesPage, directory: Path, kept: Copy, trouble: str
) -> None:
    page.script = [trouble] * 9
    with pytest.raises(SourceUnavailable, match="f1db download"):
        download(page.url, "v2026.2.0", directory, 5, (0.0, 0.0))
    assert page.requests.count("GET /releases/download/v2026.2.0/f1db-csv.zip") == 3
    assert last_good(directory) == kept
    assert files(directory) == {Path(kept.path).name, "f1db.json"}


@pytest.mark.parametrize("answer", ["401", "403", "404", "html"])
def test_a_refused_download_is_not_asked_again(
    page: ReleasesPage, directory: Path, kept: Copy, answer: str
) -> None:
    page.script = [answer]
    with pytest.raises(SourceRefused, match="f1db download"):
        download(page.url, "v2026.2.0", directory, 5, WAITS)
    assert len(page.requests) == 1
    assert last_good(directory) == kept
    assert files(directory) == {Path(kept.path).name, "f1db.json"}


def test_redirects_in_a_circle_are_a_refusal(page: ReleasesPage, directory: Path) -> None:
    page.script = ["loop"] * 99
    with pytest.raises(SourceRefused, match="f1db download"):
        download(page.url, "v2026.2.0", directory, 5, WAITS)
    assert files(directory) == set()


def _no_archive(page: ReleasesPage) -> None:
    page.archive = b"this is no zip file at all"


def _other_archive(page: ReleasesPage, tmp_path: Path) -> None:
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as other:
        other.writestr("readme.txt", "hello")
    page.archive = path.read_bytes()


@pytest.mark.parametrize("kind", ["corrupt", "no zip", "other zip"])
def test_a_corrupt_download_leaves_the_last_good_copy(
    page: ReleasesPage, directory: Path, kept: Copy, kind: str, tmp_path: Path
) -> None:
    if kind == "corrupt":
        page.script = ["corrupt"]
    elif kind == "no zip":
        _no_archive(page)
    else:
        _other_archive(page, tmp_path)
    with pytest.raises(ArchiveCorrupt):
        download(page.url, "v2026.2.0", directory, 5, WAITS)
    assert len(page.requests) == 2  # a damaged archive is complete: it is not asked for again
    assert last_good(directory) == kept
    assert files(directory) == {Path(kept.path).name, "f1db.json"}


def test_two_downloads_at_once_do_not_tread_on_each_other(page: ReleasesPage, directory: Path) -> None:
    """The second one begins and ends while the first still waits for its second half."""
    entered, go_on = threading.Event(), threading.Event()
    answer = page.answer

    def slow_first(handler: BaseHTTPRequestHandler) -> None:
        if "/assets/" in handler.path and not entered.is_set():
            entered.set()
            half = len(page.archive) // 2
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(page.archive)))
            handler.end_headers()
            handler.wfile.write(page.archive[:half])
            handler.wfile.flush()
            go_on.wait(10)
            handler.wfile.write(page.archive[half:])
            return
        answer(handler)

    page.answer = slow_first  # type: ignore[method-assign]
    copies: list[Copy] = []
    first = threading.Thread(target=lambda: copies.append(download(page.url, "v2026.2.0", directory, 20, ())))
    first.start()
    assert entered.wait(10)
    copies.append(download(page.url, "v2026.2.0", directory, 20, ()))
    go_on.set()
    first.join()
    assert len(copies) == 2
    assert copies[0] == copies[1] == last_good(directory)
    assert files(directory) == {"f1db-csv-v2026.2.0.zip", "f1db.json"}
