"""The web sources as the settings want them: asked within limits that all processes of an installation share."""

from __future__ import annotations

from f1_pipeline.settings import Settings
from f1_pipeline.sources.budget import Budget
from f1_pipeline.sources.jolpica import JolpicaClient


def jolpica(settings: Settings) -> JolpicaClient | None:
    """The client of the Ergast-compatible API, to be closed by the caller; None where it is turned off.

    Raises:
        SourceUnavailable: its cache in ``F1_HOME`` cannot be used.
    """
    if not settings.jolpica_enabled:
        return None
    return JolpicaClient(
        jolpica_budget(settings),
        settings.http_cache_dir,
        url=settings.jolpica_url,
        timeout=settings.http_timeout_seconds,
        waits=settings.retry_waits,
        longest=settings.retry_after_max_seconds,
    )


def jolpica_budget(settings: Settings) -> Budget:
    """The count of requests to it, for a status line: nothing is asked."""
    return Budget(settings.limits_dir, "jolpica", settings.jolpica_per_hour, settings.jolpica_per_second)
