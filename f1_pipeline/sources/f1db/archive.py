"""Reading an F1DB CSV archive: a zip with one CSV file per table, no folders."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from f1_pipeline.errors import ArchiveCorrupt

# Columns that look like numbers in most rows and are words: car numbers ("08"), positions ("DNF").
_TEXT_COLUMNS = (
    "driverNumber",
    "permanentNumber",
    "positionText",
    "gridPositionText",
    "qualificationPositionText",
    "gridPenalty",
    "reasonRetired",
    "rounds",
    "roundsText",
)

# What zipfile and pandas raise on damage: zlib trips over it before the checksum is compared, and a method of
# compression or encryption that nobody uses here is a RuntimeError.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    UnicodeDecodeError,
    pd.errors.ParserError,
    pd.errors.EmptyDataError,
)


def read_archive(path: Path, tables: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Read the named tables (``races``, ``races-race-results``, ...) of an archive.

    Raises:
        ArchiveCorrupt: not a zip file, a damaged member, or a table is missing.
    """
    frames: dict[str, pd.DataFrame] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for table, member in _members(archive, path, tables).items():
                with archive.open(member) as handle:
                    frames[table] = pd.read_csv(
                        handle,
                        dtype=dict.fromkeys(_TEXT_COLUMNS, "str"),
                        keep_default_na=False,
                        na_values=[""],
                        low_memory=False,
                    )
    except _DAMAGE as error:
        raise ArchiveCorrupt(f"f1db: {path} is not a readable F1DB CSV archive: {error}") from error
    return frames


def verify_archive(path: Path, tables: Iterable[str] = ()) -> None:
    """Read every member once against its checksum, and look for the members of the named tables.

    Raises:
        ArchiveCorrupt: not a zip file, a member fails its CRC (a download cut short), or a table is missing.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _members(archive, path, tables)
            broken = archive.testzip()
    except _DAMAGE as error:
        raise ArchiveCorrupt(f"f1db: {path} is not a readable zip archive: {error}") from error
    if broken is not None:
        raise ArchiveCorrupt(f"f1db: {path}: member {broken} fails its checksum")


def _members(archive: zipfile.ZipFile, path: Path, tables: Iterable[str]) -> dict[str, str]:
    names = set(archive.namelist())
    members = {table: f"f1db-{table}.csv" for table in tables}
    for member in members.values():
        if member not in names:
            raise ArchiveCorrupt(f"f1db: {path.name} has no file {member}")
    return members
