"""Reading an F1DB CSV archive: a zip with one CSV file per table, no folders."""

from __future__ import annotations

import zipfile
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


def read_archive(path: Path, tables: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Read the named tables (``races``, ``races-race-results``, ...) of an archive.

    Raises:
        ArchiveCorrupt: not a zip file, a damaged member, or a table is missing.
    """
    frames: dict[str, pd.DataFrame] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            for table in tables:
                member = f"f1db-{table}.csv"
                if member not in names:
                    raise ArchiveCorrupt(f"f1db: {path.name} has no file {member}")
                with archive.open(member) as handle:
                    frames[table] = pd.read_csv(
                        handle,
                        dtype=dict.fromkeys(_TEXT_COLUMNS, "str"),
                        keep_default_na=False,
                        na_values=[""],
                        low_memory=False,
                    )
    except (zipfile.BadZipFile, EOFError, OSError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise ArchiveCorrupt(f"f1db: {path} is not a readable F1DB CSV archive: {error}") from error
    return frames


def verify_archive(path: Path) -> None:
    """Read every member once against its checksum.

    Raises:
        ArchiveCorrupt: not a zip file, or a member fails its CRC (a download cut short).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise ArchiveCorrupt(f"f1db: {path} is not a zip archive: {error}") from error
    if broken is not None:
        raise ArchiveCorrupt(f"f1db: {path}: member {broken} fails its checksum")
