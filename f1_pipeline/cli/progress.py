"""What a command says while it works."""

from __future__ import annotations

import logging
import os

from f1_pipeline.cli.output import notices
from f1_pipeline.settings import get_settings


def quiet() -> None:
    """Only what matters on the terminal: the run's own log is in the Dagster UI."""
    from f1_pipeline.logs import configure

    configure(get_settings(), "f1")
    for name in ("dagster", "alembic", "mlflow", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns of what it could not end in good order while the error that is why is on its way here.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")


def tell(line: str) -> None:
    """What goes on, for whoever watches: a line on the terminal, or a log line for programs."""
    if get_settings().log_format == "json":
        logging.getLogger("f1_pipeline.update").info(line)
    else:
        notices.print(f"  {line}", soft_wrap=True)
