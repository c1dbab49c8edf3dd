"""Which state of which source is taken in: the decision, and the frames of it.

``refresh`` looks outside and remembers what it found; ``load`` gives the frames of what was remembered, so that
every asset of a run, and a single asset started by hand, sees the same state. A state of F1DB carries the numbers of the live
versions that are merged into it: one that is seen while a run goes on belongs to the next state.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import cast
from uuid import uuid4

from f1_pipeline.errors import ArchiveCorrupt, F1Error, NotReady, SourceRefused, SourceUnavailable
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.sources.bundle import SourceBundle, SourceName
from f1_pipeline.sources.live import merged_digest
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.live import LiveMark, read_sessions

logger = logging.getLogger(__name__)
_STATE = "snapshot.json"
_COPIES_KEPT = 3


@dataclass(frozen=True)
class Snapshot:
    """One state of a source. ``note`` says what went wrong on the way to it, if anything did.

    ``digest`` names the content, live versions included; ``archive_digest`` that of F1DB's archive alone. ``live``: numbers
    of the live versions in it.
    """

    source: SourceName
    release: str
    digest: str
    path: str | None = None
    seasons: int | None = None
    seed: int | None = None
    note: str | None = None
    archive_digest: str | None = None
    live: tuple[int, ...] = ()


def refresh(settings: Settings, held: str | None, live: Sequence[LiveMark] = ()) -> Snapshot:
    """Find the newest state of the source that the settings name, and remember it.

    ``held`` is what the database holds already (``f1db``, ``simulated`` or None). ``auto`` means F1DB; only where
    nothing is within reach and nothing is held it starts on the simulated world, and a database that holds
    that world stays on it: the two are never mixed. ``live``: the live versions that belong to the state
    (``storage.live.newest_marks``); the simulated world has none.

    Raises:
        F1Error: what kept it from finding any state.
    """
    simulated = settings.source == "simulated" or (
        settings.source == "auto" and held == "simulated" and settings.f1db_archive is None
    )
    snapshot = _simulated(settings, None) if simulated else _f1db(settings, held)
    if live and snapshot.source == "f1db":
        digest = merged_digest(snapshot.digest, (mark.mark for mark in live))
        snapshot = replace(
            snapshot,
            digest=digest,
            archive_digest=snapshot.digest,
            live=tuple(mark.id for mark in live),
        )
    settings.downloads_dir.mkdir(parents=True, exist_ok=True)
    temporary = settings.downloads_dir / f"{_STATE}.{uuid4().hex[:8]}.tmp"
    temporary.write_text(json.dumps(asdict(snapshot)), encoding="utf-8")
    temporary.replace(settings.downloads_dir / _STATE)
    return snapshot


def remembered(settings: Settings) -> Snapshot:
    """The state that ``refresh`` found last.

    Raises:
        NotReady: there is none yet.
    """
    state = settings.downloads_dir / _STATE
    try:
        found = json.loads(state.read_text(encoding="utf-8"))
        return Snapshot(**{**found, "live": tuple(found.get("live", ()))})
    except (FileNotFoundError, ValueError, TypeError) as error:  # or cut short, or of another version
        raise NotReady(
            "no source has been read yet: materialise `source/release`, or run `f1 update`"
        ) from error


def load(snapshot: Snapshot) -> SourceBundle:
    """The frames of a state; parsed and merged once per process.

    Raises:
        ArchiveCorrupt, ContractViolation: the archive is damaged or its content impossible. A live version that does not
            fit it is left out; the notes of the bundle name it.
    """
    bundle = load_bulk(snapshot)
    return _merged(bundle, snapshot.live) if snapshot.live else bundle


def load_bulk(snapshot: Snapshot) -> SourceBundle:
    """The same without live versions: what a new version is seen against (``LiveSession.against``)."""
    return _load(
        snapshot.source,
        snapshot.release,
        snapshot.archive_digest or snapshot.digest,
        snapshot.path,
        snapshot.seasons,
        snapshot.seed,
    )


_last_merged: dict[tuple[str, str, tuple[int, ...]], SourceBundle] = {}


def _merged(bundle: SourceBundle, live: tuple[int, ...]) -> SourceBundle:
    url = get_settings().tables_url
    key = (url, bundle.digest, live)
    if key not in _last_merged:
        from f1_pipeline.sources.fitting import merge_fitting

        made, _ = merge_fitting(bundle, read_sessions(get_engine(url), live))
        for note in made.notes:
            logger.warning("%s", note)
        _last_merged.clear()
        _last_merged[key] = made
    return _last_merged[key]


@lru_cache(maxsize=2)
def _load(
    source: SourceName, release: str, digest: str, path: str | None, seasons: int | None, seed: int | None
) -> SourceBundle:
    if source == "simulated":
        from f1_pipeline.sources.simulated import simulate

        return simulate(cast(int, seasons), cast(int, seed)).bundle
    from f1_pipeline.sources.f1db import parse_archive

    if path is None or not Path(path).is_file():
        raise NotReady(f"the archive of {release} is gone from {path}: run `f1 update`")
    return parse_archive(Path(path), release, digest)


def _simulated(settings: Settings, note: str | None) -> Snapshot:
    from f1_pipeline.sources.simulated import simulate

    seasons, seed = settings.simulated_seasons, settings.simulated_seed
    bundle = simulate(seasons, seed).bundle
    return Snapshot("simulated", bundle.release, bundle.digest, seasons=seasons, seed=seed, note=note)


def _f1db(settings: Settings, held: str | None) -> Snapshot:
    from f1_pipeline.sources.f1db import fetch, local_copy

    if settings.f1db_archive is not None:
        copy = local_copy(settings.f1db_archive)
        return Snapshot("f1db", copy.release, copy.digest, str(_keep(Path(copy.path), copy.digest, settings)))
    try:
        copy, note = fetch(
            settings.f1db_url,
            settings.downloads_dir,
            settings.http_timeout_seconds,
            settings.retry_waits,
            settings.retry_after_max_seconds,
        )
    except (SourceUnavailable, SourceRefused) as error:
        if settings.source == "f1db" or held is not None:
            raise
        logger.warning("%s", error)
        note = f"no F1 data within reach ({_short(error)}); this is a simulated championship with invented drivers"
        return _simulated(settings, note)
    return Snapshot("f1db", copy.release, copy.digest, copy.path, note=note)


def _keep(archive: Path, digest: str, settings: Settings) -> Path:
    """Copy a local archive beside the downloads: the file it came from may change or go away."""
    from f1_pipeline.sources.f1db.release import sha256

    directory = settings.downloads_dir
    directory.mkdir(parents=True, exist_ok=True)
    kept = directory / f"local-{digest[:16]}.zip"
    if not kept.is_file() or sha256(kept) != digest:
        temporary = kept.with_suffix(f".{uuid4().hex[:8]}.part")
        try:
            shutil.copyfile(archive, temporary)
            if sha256(temporary) != digest:
                raise ArchiveCorrupt(f"f1db: {archive} changed while it was read: try again")
            temporary.replace(kept)
        finally:
            temporary.unlink(missing_ok=True)
    for old in sorted(directory.glob("local-*.zip"), key=lambda file: -file.stat().st_mtime)[_COPIES_KEPT:]:
        old.unlink(missing_ok=True)
    return kept


def _short(error: F1Error) -> str:
    return str(error).split(":", 1)[0]
