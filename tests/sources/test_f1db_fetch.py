"""What is fetched of F1DB: a new release, else the last good copy, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from f1_pipeline.errors import ArchiveCorrupt, SourceRefused, SourceUnavailable
from f1_pipeline.sources.f1db.release import Copy, fetch, last_good, local_copy, sha256
from tests.sources.releases_page import NO_WAITS, PROBE, ReleasesPage, closed_port, files, flipped

# --- the last good copy ----------------------------------------------------------------------------------


def test_no_copy_yet(directory: Path) -> None:
    assert last_good(directory) is None


@pytest.mark.parametrize("harm", ["removed", "changed", "state broken", "state of another version"])
def test_a_damaged_copy_is_none(directory: Path, kept: Copy, harm: str) -> None:
    path = Path(kept.path)
    if harm == "removed":
        path.unlink()
    elif harm == "changed":
        path.write_bytes(flipped(path.read_bytes()))
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
