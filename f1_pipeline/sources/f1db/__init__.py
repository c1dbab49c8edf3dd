"""F1DB, the bulk source (CC BY 4.0): release probe, download, archive, canonical frames."""

from f1_pipeline.sources.f1db.archive import read_archive
from f1_pipeline.sources.f1db.parse import parse_archive
from f1_pipeline.sources.f1db.release import Copy, fetch, latest_release, local_copy

__all__ = ["Copy", "fetch", "latest_release", "local_copy", "parse_archive", "read_archive"]
