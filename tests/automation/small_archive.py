"""An F1DB archive without its older seasons: what a rehearsal needs of history, in a tenth of the time."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path


def since(archive: Path, season: int, target: Path) -> Path:
    """Copy an archive without the rows of seasons before ``season``; the path of the copy."""
    with zipfile.ZipFile(archive) as source:
        tables = {
            name: source.read(name).decode("utf-8-sig") for name in source.namelist() if name.endswith(".csv")
        }
    races = next(text for name, text in tables.items() if name.endswith("f1db-races.csv"))
    kept = {row["id"] for row in csv.DictReader(io.StringIO(races)) if int(row["year"]) >= season}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        for name, text in tables.items():
            copy.writestr(name, _filtered(text, kept, season))
    return target


def _filtered(text: str, races: set[str], season: int) -> str:
    reader = csv.reader(io.StringIO(text))
    header = next(reader)
    rows = list(reader)
    if "raceId" in header:
        at = header.index("raceId")
        rows = [row for row in rows if row[at] in races]
    elif "year" in header:
        at = header.index("year")
        rows = [row for row in rows if int(row[at]) >= season]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
