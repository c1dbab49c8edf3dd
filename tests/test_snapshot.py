"""Which source is taken in: the decision, what is remembered of it, and that it stays readable."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from f1_pipeline import snapshot
from f1_pipeline.errors import ArchiveCorrupt, NotReady, SourceRefused, SourceUnavailable
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.snapshot import load, refresh, remembered
from f1_pipeline.sources.f1db.release import Copy, remember, sha256
from f1_pipeline.sources.simulated import simulate

World = Any


@pytest.fixture(scope="module")
def small_world() -> Callable[[], World]:
    path = Path(__file__).parent / "sources" / "f1db_world.py"
    spec = importlib.util.spec_from_file_location("f1db_world_of_snapshots", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module.small_world  # type: ignore[no-any-return]


@pytest.fixture
def archive(small_world: Callable[[], World], tmp_path: Path) -> Path:
    path: Path = small_world().write(tmp_path / "mine.zip")
    return path


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """F1DB is at a port where nobody listens; the simulated world is a short one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("F1_F1DB_URL", f"http://127.0.0.1:{free.getsockname()[1]}/releases")
    monkeypatch.setenv("F1_HTTP_RETRY_SECONDS", "0.01,0.01")
    monkeypatch.setenv("F1_SIMULATED_SEASONS", "2")
    snapshot._load.cache_clear()
    yield
    snapshot._load.cache_clear()


def settings(monkeypatch: pytest.MonkeyPatch, **values: object) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(f"F1_{name.upper()}", str(value))
    get_settings.cache_clear()
    return get_settings()


def keep_release(chosen: Settings, archive: Path, release: str = "v2026.2.0") -> Copy:
    """Leave a good copy of a release, as an earlier download did."""
    chosen.downloads_dir.mkdir(parents=True)
    path = chosen.downloads_dir / f"f1db-csv-{release}.zip"
    shutil.copyfile(archive, path)
    copy = Copy(str(path), release, sha256(path))
    remember(chosen.downloads_dir, copy)
    return copy


def test_nothing_is_remembered_before_the_first_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotReady, match="f1 update"):
        remembered(settings(monkeypatch))


@pytest.mark.parametrize("broken", ["", '{"source": "f1db"', '{"origin": "f1db"}'])
def test_a_broken_memory_is_none(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    chosen = settings(monkeypatch)
    chosen.downloads_dir.mkdir(parents=True)
    (chosen.downloads_dir / "snapshot.json").write_text(broken, encoding="utf-8")
    with pytest.raises(NotReady, match="f1 update"):
        remembered(chosen)


def test_auto_starts_on_the_simulated_world_when_nothing_is_within_reach(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = settings(monkeypatch)
    found = refresh(chosen, held=None)
    assert found.source == "simulated"
    assert found.release == "simulated-7"
    assert found.note is not None
    assert "no F1 data within reach (f1db release probe)" in found.note
    assert "invented drivers" in found.note
    assert "f1db release probe" in caplog.text
    assert remembered(chosen) == found
    bundle = load(found)
    assert (bundle.source, bundle.digest) == ("simulated", simulate(2, 7).bundle.digest)


def test_auto_stays_on_the_simulated_world_without_looking_outside(
    monkeypatch: pytest.MonkeyPatch, archive: Path
) -> None:
    def never(*args: object) -> None:
        raise AssertionError("looked for F1DB")

    monkeypatch.setattr("f1_pipeline.sources.f1db.fetch", never)
    chosen = settings(monkeypatch)
    keep_release(chosen, archive)
    found = refresh(chosen, held="simulated")
    assert (found.source, found.note) == ("simulated", None)


def test_the_seed_and_length_are_remembered_with_the_simulated_world(monkeypatch: pytest.MonkeyPatch) -> None:
    found = refresh(settings(monkeypatch, source="simulated", simulated_seed=11), held=None)
    later = remembered(settings(monkeypatch, simulated_seed=12, simulated_seasons=3))
    assert later == found
    assert (later.seed, later.seasons) == (11, 2)
    assert load(later).digest == simulate(2, 11).bundle.digest


@pytest.mark.parametrize("held", [None, "f1db", "simulated"])
@pytest.mark.parametrize("source", ["auto", "f1db"])
def test_a_local_archive_wins(
    monkeypatch: pytest.MonkeyPatch, archive: Path, held: str | None, source: str
) -> None:
    chosen = settings(monkeypatch, f1db_archive=archive, source=source)
    keep_release(chosen, archive)
    found = refresh(chosen, held)
    assert (found.source, found.digest, found.note) == ("f1db", sha256(archive), None)
    assert found.release == f"mine@{found.digest[:8]}"
    assert load(found).tables["races"]["race_key"].str.startswith("2026-").sum() == 5


def test_a_simulated_source_that_is_asked_for_wins_over_an_archive(
    monkeypatch: pytest.MonkeyPatch, archive: Path
) -> None:
    chosen = settings(monkeypatch, source="simulated", f1db_archive=archive)
    assert refresh(chosen, held=None).source == "simulated"


@pytest.mark.parametrize(("source", "held"), [("auto", "f1db"), ("f1db", "f1db"), ("f1db", None)])
def test_out_of_reach_and_without_a_copy(
    monkeypatch: pytest.MonkeyPatch, source: str, held: str | None
) -> None:
    chosen = settings(monkeypatch, source=source)
    with pytest.raises(SourceUnavailable, match="f1db release probe"):
        refresh(chosen, held)
    with pytest.raises(NotReady):
        remembered(chosen)


def test_an_error_leaves_what_was_remembered(monkeypatch: pytest.MonkeyPatch, archive: Path) -> None:
    before = refresh(settings(monkeypatch, f1db_archive=archive), held=None)
    monkeypatch.delenv("F1_F1DB_ARCHIVE")
    chosen = settings(monkeypatch)
    with pytest.raises(SourceUnavailable):
        refresh(chosen, held="f1db")
    assert remembered(chosen) == before


@pytest.mark.parametrize("held", [None, "f1db"])
def test_out_of_reach_with_a_copy(monkeypatch: pytest.MonkeyPatch, archive: Path, held: str | None) -> None:
    chosen = settings(monkeypatch)
    copy = keep_release(chosen, archive)
    found = refresh(chosen, held)
    assert (found.source, found.release, found.digest) == ("f1db", "v2026.2.0", copy.digest)
    assert found.note is not None
    assert "going on with the last good copy, v2026.2.0" in found.note


def test_an_address_that_refuses_is_out_of_reach_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refresh(settings(monkeypatch, f1db_url="releases"), held=None).source == "simulated"
    with pytest.raises(SourceRefused):
        refresh(settings(monkeypatch, f1db_url="releases"), held="f1db")


@pytest.mark.parametrize("fate", ["removed", "changed"])
def test_the_source_file_is_not_needed_after_the_refresh(
    monkeypatch: pytest.MonkeyPatch, archive: Path, fate: str
) -> None:
    found = refresh(settings(monkeypatch, f1db_archive=archive), held=None)
    if fate == "removed":
        archive.unlink()
    else:
        archive.write_bytes(b"another file")
    bundle = load(remembered(get_settings()))
    assert bundle.digest == found.digest
    assert len(bundle.tables["races"]) == 7


def test_a_copy_that_was_damaged_is_made_anew(monkeypatch: pytest.MonkeyPatch, archive: Path) -> None:
    chosen = settings(monkeypatch, f1db_archive=archive)
    found = refresh(chosen, held=None)
    assert found.path is not None
    kept = Path(found.path)
    data = bytearray(kept.read_bytes())
    data[len(data) // 2] ^= 0xFF
    kept.write_bytes(data)
    assert refresh(chosen, held=None) == found
    assert sha256(kept) == found.digest


def test_a_corrupt_archive_is_no_source(monkeypatch: pytest.MonkeyPatch, archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-100])
    chosen = settings(monkeypatch, f1db_archive=archive)
    with pytest.raises(ArchiveCorrupt, match=r"mine\.zip"):
        refresh(chosen, held=None)
    with pytest.raises(NotReady):
        remembered(chosen)


def test_few_copies_are_kept_and_the_newest_is_one(
    monkeypatch: pytest.MonkeyPatch, small_world: Callable[[], World], tmp_path: Path
) -> None:
    for number in range(5):
        world = small_world()
        world.rows["races-race-results"][0]["laps"] = number
        path = world.write(tmp_path / f"{number}.zip")
        found = refresh(settings(monkeypatch, f1db_archive=path), held="f1db")
        assert found.path is not None
        assert Path(found.path).is_file()
    names = {path.name for path in get_settings().downloads_dir.iterdir()}
    assert names == {"snapshot.json", *(name for name in names if name.startswith("local-"))}
    assert len(names) == 4


def test_a_copy_that_is_gone_is_said_to_be_gone(monkeypatch: pytest.MonkeyPatch, archive: Path) -> None:
    found = refresh(settings(monkeypatch, f1db_archive=archive), held=None)
    assert found.path is not None
    Path(found.path).unlink()
    with pytest.raises(NotReady, match=r"mine@.* is gone from .*: run `f1 update`"):
        load(found)


def test_frames_are_parsed_once(monkeypatch: pytest.MonkeyPatch, archive: Path) -> None:
    chosen = settings(monkeypatch, f1db_archive=archive)
    assert load(refresh(chosen, held=None)) is load(remembered(chosen))
