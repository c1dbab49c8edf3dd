"""Which F1DB release is the newest, and a good copy of it on disk.

The page ``.../releases/latest`` answers with a redirect whose target names the version
(``v2026.11.0``): a cheap probe. A download goes to a temporary file, is checked (length, checksum of
every member, the tables that are needed) and only then takes the place of the last good copy.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import requests

from f1_pipeline.errors import ArchiveCorrupt, SourceRefused, SourceUnavailable
from f1_pipeline.sources.f1db.archive import verify_archive
from f1_pipeline.sources.f1db.parse import TABLES
from f1_pipeline.sources.http import RETRY_AFTER_MAX, check_status, shown, with_retries

_VERSION = re.compile(r"/tag/(v\d{4}\.\d+\.\d+)$")
_ASSET = "f1db-csv.zip"
_CHUNK = 1 << 16
_AS_IT_IS = {"Accept-Encoding": "identity"}
"""Not compressed once more on the way: the length of the answer is the length of the file."""


@dataclass(frozen=True)
class Copy:
    """A readable archive on disk: ``release`` for people, ``digest`` (sha256 hex) for content."""

    path: str
    release: str
    digest: str


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def local_copy(path: Path) -> Copy:
    """Describe a local archive. Its release is its file name: an archive does not say its version.

    Raises:
        ArchiveCorrupt: the file is missing or not a sound F1DB archive.
    """
    if not path.is_file():
        raise ArchiveCorrupt(f"f1db: no archive at {path}")
    verify_archive(path, TABLES)
    digest = sha256(path)
    return Copy(str(path), f"{path.stem}@{digest[:8]}", digest)


def last_good(directory: Path) -> Copy | None:
    """The copy that the last successful download left, or None."""
    state = directory / "f1db.json"
    if not state.is_file():
        return None
    try:
        copy = Copy(**json.loads(state.read_text(encoding="utf-8")))
    except (ValueError, TypeError):  # cut short by a full disk, or written by another version
        return None
    return copy if Path(copy.path).is_file() and sha256(Path(copy.path)) == copy.digest else None


def latest_release(
    base_url: str, timeout: float, waits: tuple[float, ...], longest: float = RETRY_AFTER_MAX
) -> str:
    """Version of the newest release, from the redirect of ``<base_url>/latest``.

    Raises:
        SourceUnavailable: not reachable after the retries.
        SourceRefused: the answer is not a redirect to a version.
    """

    def probe() -> str:
        response = requests.head(f"{base_url}/latest", timeout=timeout, allow_redirects=False)
        check_status(response, "f1db release probe")
        match = _VERSION.search(response.headers.get("Location", ""))
        if match is None:
            raise SourceRefused(
                f"f1db release probe: {shown(base_url)}/latest does not redirect to a version"
            )
        return match.group(1)

    return with_retries(probe, waits, "f1db release probe", longest)


def download(
    base_url: str,
    release: str,
    directory: Path,
    timeout: float,
    waits: tuple[float, ...],
    longest: float = RETRY_AFTER_MAX,
) -> Copy:
    """Download a release and make it the last good copy, atomically.

    Raises:
        SourceUnavailable: not reachable, or cut short, after the retries.
        SourceRefused: the source said no.
        ArchiveCorrupt: complete, but not a sound archive. The last good copy is untouched.
    """
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"f1db-csv-{release}.zip"
    # Its own for each download: another process may be fetching the same release.
    partial = target.with_suffix(f".{uuid4().hex[:8]}.part")

    def get() -> None:
        url = f"{base_url}/download/{release}/{_ASSET}"
        with requests.get(url, timeout=timeout, stream=True, headers=_AS_IT_IS) as response:
            check_status(response, "f1db download")
            if "html" in response.headers.get("Content-Type", ""):
                raise SourceRefused(f"f1db download: {response.url} answers with a page, not with an archive")
            with partial.open("wb") as handle:
                for chunk in response.iter_content(_CHUNK):
                    handle.write(chunk)
        expected = response.headers.get("Content-Length")
        if expected is not None and partial.stat().st_size != int(expected):
            raise SourceUnavailable(f"f1db download: {partial.stat().st_size} of {expected} bytes")

    try:
        with_retries(get, waits, "f1db download", longest)
        verify_archive(partial, TABLES)
        digest = sha256(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    copy = Copy(str(target), release, digest)
    remember(directory, copy)
    return copy


def remember(directory: Path, copy: Copy) -> None:
    """Make ``copy`` the last good one; the write is atomic (rename)."""
    state = directory / "f1db.json"
    temporary = state.with_suffix(f".{uuid4().hex[:8]}.tmp")
    temporary.write_text(json.dumps(asdict(copy)), encoding="utf-8")
    temporary.replace(state)


def fetch(
    base_url: str,
    directory: Path,
    timeout: float,
    waits: tuple[float, ...],
    longest: float = RETRY_AFTER_MAX,
) -> tuple[Copy, str | None]:
    """The newest release as a copy on disk, or the last good copy with a warning saying why.

    Raises:
        SourceUnavailable, SourceRefused, ArchiveCorrupt: nothing new to be had and no earlier copy.
    """
    kept = last_good(directory)
    try:
        release = latest_release(base_url, timeout, waits, longest)
        if kept is not None and kept.release == release:
            return kept, None
        return download(base_url, release, directory, timeout, waits, longest), None
    except (SourceUnavailable, SourceRefused, ArchiveCorrupt) as error:
        if kept is None:
            raise
        return kept, f"{error}; going on with the last good copy, {kept.release}"
