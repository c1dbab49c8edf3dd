"""Archives of F1DB that are damaged or incomplete are refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from f1_pipeline.errors import ArchiveCorrupt
from f1_pipeline.sources.f1db.archive import read_archive, verify_archive
from f1_pipeline.sources.f1db.parse import TABLES, parse_archive
from f1_pipeline.sources.f1db.release import local_copy
from tests.sources.bundles import World


def _flip_in_member(path: Path, member: str) -> None:
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(member)
    data = bytearray(path.read_bytes())
    start = info.header_offset + 30 + int.from_bytes(data[info.header_offset + 28 : info.header_offset + 30], "little") + len(member)  # fmt: skip
    data[start + info.compress_size // 2] ^= 0xFF
    path.write_bytes(data)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _cut_tail(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _damaged_stream(path: Path) -> None:
    """Damage that the decompressor itself trips over, before any checksum is compared."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("f1db-races.csv")
    data = bytearray(path.read_bytes())
    start = info.header_offset + 30 + len("f1db-races.csv")
    data[start : start + 16] = b"\xff" * 16
    path.write_bytes(data)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated": _truncate,
    "one byte short": _cut_tail,
    "empty": lambda path: path.write_bytes(b""),
    "not a zip": lambda path: path.write_text("<html>rate limit exceeded</html>", encoding="utf-8"),
    "flipped byte": lambda path: _flip_in_member(path, "f1db-races-race-results.csv"),
    "flipped byte in the last one": lambda path: _flip_in_member(path, f"f1db-{TABLES[-1]}.csv"),
    "damaged stream": _damaged_stream,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
@pytest.mark.parametrize("use", ["parse", "verify", "local"])
def test_a_damaged_archive_is_refused(
    world: World, tmp_path: Path, damage: Callable[[Path], object], use: str
) -> None:
    path = world.write(tmp_path / "world.zip")
    damage(path)
    calls: dict[str, Callable[[], object]] = {
        "parse": lambda: parse_archive(path, "r", "d"),
        "verify": lambda: verify_archive(path),
        "local": lambda: local_copy(path),
    }
    with pytest.raises(ArchiveCorrupt, match=r"^f1db: .*world\.zip"):
        calls[use]()


@pytest.mark.parametrize("table", ["races", "races-pit-stops", TABLES[-1]])
def test_an_archive_without_a_table_is_refused(world: World, tmp_path: Path, table: str) -> None:
    path = world.write(tmp_path / "world.zip", without=table)
    with pytest.raises(ArchiveCorrupt, match=f"has no file f1db-{table}.csv"):
        parse_archive(path, "r", "d")
    with pytest.raises(ArchiveCorrupt, match=f"has no file f1db-{table}.csv"):
        local_copy(path)


def test_an_empty_member_is_refused(world: World, tmp_path: Path) -> None:
    path = world.write(tmp_path / "world.zip", without="circuits")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("f1db-circuits.csv", "")
    with pytest.raises(ArchiveCorrupt, match=r"world\.zip"):
        parse_archive(path, "r", "d")


def test_a_member_of_other_columns_is_refused(world: World, tmp_path: Path) -> None:
    path = world.write(tmp_path / "world.zip", without="races-race-results")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("f1db-races-race-results.csv", '"race","winner"\n1,"ada-apex"\n')
    with pytest.raises(ArchiveCorrupt, match="raceId"):
        parse_archive(path, "r", "d")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveCorrupt, match=r"no archive at .*gone\.zip"):
        local_copy(tmp_path / "gone.zip")
    with pytest.raises(ArchiveCorrupt, match=r"gone\.zip"):
        read_archive(tmp_path / "gone.zip", TABLES)


def test_a_sound_archive_is_not_refused(world: World, tmp_path: Path) -> None:
    path = world.write(tmp_path / "world.zip")
    verify_archive(path)
    copy = local_copy(path)
    assert copy.path == str(path)
    assert len(copy.digest) == 64
    assert copy.release == f"world@{copy.digest[:8]}"
    assert set(read_archive(path, ["races"])) == {"races"}
