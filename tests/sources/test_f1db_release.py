"""Probe and download of F1DB releases against a real HTTP server on the loopback interface."""

from __future__ import annotations

import json
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from f1_pipeline.errors import ArchiveCorrupt, SourceRefused, SourceUnavailable
from f1_pipeline.sources.f1db.release import (
    Copy,
    download,
    fetch,
    last_good,
    latest_release,
    local_copy,
    remember,
    sha256,
)

WAITS = (0.02, 0.04, 0.06)
NO_WAITS: tuple[float, ...] = ()
PROBE = "HEAD /releases/latest"


@dataclass
class ReleasesPage:
    """What the server answers, and what it was asked. ``script`` holds answers to give first, in order."""

    release: str = "v2026.2.0"
    archive: bytes = b""
    script: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    url: str = ""

    def downloads(self) -> list[str]:
        return [line for line in self.requests if line.startswith("GET")]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(f"{handler.command} {handler.path}")
        self.times.append(time.monotonic())
        step = self.script.pop(0) if self.script else "good"
        if step.isdigit():
            self._send(handler, int(step), b"no", {})
        elif step == "html":
            self._send(
                handler, 200, b"<html>please log in</html>", {"Content-Type": "text/html; charset=utf-8"}
            )
        elif step == "elsewhere":
            self._send(handler, 302, b"", {"Location": f"{self.url}/login"})
        elif step == "loop":
            self._send(handler, 302, b"", {"Location": handler.path})
        elif step == "silent":
            time.sleep(0.8)
            handler.close_connection = True
        elif step == "hang up":
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        elif handler.path.endswith("/latest"):
            self._send(handler, 302, b"", {"Location": f"{self.url}/tag/{self.release}"})
        elif handler.path.startswith("/releases/download/"):
            # GitHub sends the reader on to another host.
            self._send(
                handler, 302, b"", {"Location": handler.path.replace("/releases/download/", "/assets/")}
            )
            if step != "good":
                self.script.insert(0, step)
        else:
            body = {"cut": self.archive[: len(self.archive) // 2], "corrupt": _flipped(self.archive)}.get(
                step, self.archive
            )
            self._send(handler, 200, body, {"Content-Type": "application/octet-stream"}, len(self.archive))

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        headers: dict[str, str],
        length: int | None = None,
    ) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)
        if length is not None and length != len(body):
            handler.close_connection = True


def _flipped(archive: bytes) -> bytes:
    middle = len(archive) // 3
    return archive[:middle] + bytes([archive[middle] ^ 0xFF]) + archive[middle + 1 :]


@contextmanager
def serving(page: ReleasesPage) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            page.answer(self)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    page.url = f"http://127.0.0.1:{server.server_address[1]}/releases"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def archive(small_world: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = small_world().write(tmp_path_factory.mktemp("world") / "world.zip")
    data: bytes = path.read_bytes()
    return data


@pytest.fixture
def page(archive: bytes) -> Iterator[ReleasesPage]:
    page = ReleasesPage(archive=archive)
    with serving(page):
        yield page


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "downloads"


@pytest.fixture
def kept(directory: Path, archive: bytes) -> Copy:
    """A good copy of an earlier release, as an earlier download left it."""
    directory.mkdir()
    path = directory / "f1db-csv-v2026.1.0.zip"
    path.write_bytes(archive)
    copy = Copy(str(path), "v2026.1.0", sha256(path))
    remember(directory, copy)
    return copy


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/releases"


def files(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()} if directory.exists() else set()


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


# --- the last good copy ----------------------------------------------------------------------------------


def test_no_copy_yet(directory: Path) -> None:
    assert last_good(directory) is None


@pytest.mark.parametrize("harm", ["removed", "changed", "state broken", "state of another version"])
def test_a_damaged_copy_is_none(directory: Path, kept: Copy, harm: str) -> None:
    path = Path(kept.path)
    if harm == "removed":
        path.unlink()
    elif harm == "changed":
        path.write_bytes(_flipped(path.read_bytes()))
    elif harm == "state broken":
        (directory / "f1db.json").write_text('{"path": "', encoding="utf-8")
    else:
        (directory / "f1db.json").write_text(json.dumps({"file": str(path)}), encoding="utf-8")
    assert last_good(directory) is None


# --- fetch -----------------------------------------------------------------------------------------------


def test_fetch_downloads_a_new_release(page: ReleasesPage, directory: Path, kept: Copy) -> None:
    copy, note = fetch(page.url, directory, 5, NO_WAITS)
    assert (copy.release, note) == ("v2026.2.0", None)
    assert last_good(directory) == copy


def test_fetch_does_not_download_what_is_there(page: ReleasesPage, directory: Path) -> None:
    first, _ = fetch(page.url, directory, 5, NO_WAITS)
    page.requests.clear()
    assert fetch(page.url, directory, 5, NO_WAITS) == (first, None)
    assert page.requests == [PROBE]


def test_fetch_replaces_a_damaged_copy(page: ReleasesPage, directory: Path, archive: bytes) -> None:
    first, _ = fetch(page.url, directory, 5, NO_WAITS)
    Path(first.path).write_bytes(b"damaged")
    again, note = fetch(page.url, directory, 5, NO_WAITS)
    assert (again, note) == (first, None)
    assert Path(again.path).read_bytes() == archive


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (["500"] * 9, "f1db release probe: HTTP 500"),
        (["404"], "f1db release probe: HTTP 404"),
        (["html"], "f1db release probe"),
        (["good", "404"], "f1db download: HTTP 404"),
        (["good", *["cut"] * 9], "f1db download"),
        (["good", "html"], "f1db download"),
        (["good", "corrupt"], "f1db: "),
    ],
    ids=["500", "404", "html", "download-404", "cut", "download-html", "corrupt"],
)
def test_fetch_goes_on_with_the_last_good_copy_and_says_why(
    page: ReleasesPage, directory: Path, kept: Copy, script: list[str], reason: str
) -> None:
    page.script = list(script)
    copy, note = fetch(page.url, directory, 5, (0.0,))
    assert copy == kept
    assert note is not None
    assert note.startswith(reason)
    assert note.endswith("going on with the last good copy, v2026.1.0")
    assert files(directory) == {Path(kept.path).name, "f1db.json"}


def test_fetch_goes_on_without_a_network(directory: Path, kept: Copy) -> None:
    copy, note = fetch(closed_port(), directory, 5, (0.0,))
    assert copy == kept
    assert note is not None


@pytest.mark.parametrize(
    ("script", "error"),
    [(["500"] * 9, SourceUnavailable), (["404"], SourceRefused), (["good", "corrupt"], ArchiveCorrupt)],
    ids=["500", "404", "corrupt"],
)
def test_fetch_without_a_copy_raises(
    page: ReleasesPage, directory: Path, script: list[str], error: type[Exception]
) -> None:
    page.script = list(script)
    with pytest.raises(error):
        fetch(page.url, directory, 5, (0.0,))
    assert files(directory) == set()


def test_a_local_archive_is_named_by_file_and_content(archive: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mine.zip"
    path.write_bytes(archive)
    copy = local_copy(path)
    assert copy == Copy(str(path), f"mine@{sha256(path)[:8]}", sha256(path))
