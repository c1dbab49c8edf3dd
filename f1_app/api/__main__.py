"""Serve the API: ``python -m f1_app.api``, as ``f1 serve`` starts it."""

from __future__ import annotations

import uvicorn

from f1_app.api.app import create_app
from f1_pipeline.settings import get_settings


def main() -> None:
    """Serve until a signal ends it."""
    settings = get_settings()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.api_port,
        log_level=settings.log_level.lower(),
        # Whom to believe about the client is decided in the app, by one setting.
        proxy_headers=False,
        server_header=False,
        access_log=settings.log_level == "DEBUG",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
