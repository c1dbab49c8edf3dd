"""Archives that are damaged, or say what cannot be: the update says so, and leaves every row as it was."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine

from f1_pipeline.errors import ArchiveCorrupt, F1Error
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.update import run_update
from tests.archives.world import FILES, KEPT, use
from tests.quiet import QUIET

pytestmark = [pytest.mark.archive, *QUIET]


@pytest.fixture
def untouched(archives: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The tables after the last step; a test that uses them must leave every row as it was."""
    settings = use(monkeypatch, home, archives / "f1db" / FILES["newest"])
    engine = get_engine(settings.tables_url)
    before = {
        name: reads.read_table(engine, schema.metadata.tables[name]) for name in (*KEPT, "race_results")
    }
    counts = reads.row_counts(engine)
    yield engine
    assert reads.row_counts(engine) == counts
    for name, frame in before.items():
        pd.testing.assert_frame_equal(reads.read_table(engine, schema.metadata.tables[name]), frame)


def _rewritten(archive: Path, member: str, target: Path, old: str, new: str) -> Path:
    """A copy of an archive with one piece of text of one file replaced."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in source.namelist():
            data = source.read(name)
            if name == member:
                assert data.count(old.encode()) == 1
                data = data.replace(old.encode(), new.encode())
            copy.writestr(name, data)
    return target


def test_a_corrupt_archive(
    untouched: Engine, archives: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (archives / "f1db" / FILES["newest"]).read_bytes()
    for name, content in {
        "cut.zip": whole[: len(whole) // 2],
        "flipped.zip": whole[:200_000] + bytes(200) + whole[200_200:],
        "page.zip": b"<html>rate limited</html>",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ArchiveCorrupt, match=name.replace(".", r"\.")):
            run_update(use(monkeypatch, home, tmp_path / name), lambda line: None)


def test_an_impossible_classification(
    untouched: Engine, archives: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two winners in Hungary: the update names the race and writes nothing."""
    archive = archives / "f1db" / FILES["newest"]
    member = "f1db-races-race-results.csv"
    with zipfile.ZipFile(archive) as source:
        lines = source.read(member).decode().splitlines()
    header = [name.strip('"') for name in lines[0].split(",")]
    second = next(
        line
        for line in reversed(lines)
        if dict(zip(header, line.split(","), strict=False))["positionNumber"] == "2"
    )
    cells = second.split(",")
    cells[header.index("positionNumber")], cells[header.index("positionText")] = "1", '"1"'
    broken = _rewritten(archive, member, tmp_path / "impossible.zip", second, ",".join(cells))
    with pytest.raises(F1Error, match=r"2026-hungary.*position") as error:
        run_update(use(monkeypatch, home, broken), lambda line: None)
    assert "\n" not in str(error.value)


def test_afterwards_the_good_archive_is_nothing_new(
    untouched: Engine, archives: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_update(use(monkeypatch, home, archives / "f1db" / FILES["newest"]), lambda line: None).idle
