"""Where ``f1`` begins and ends: what went wrong on purpose is one line."""

from __future__ import annotations

import logging
import sys
from typing import NoReturn

from pydantic import ValidationError
from rich.markup import escape

from f1_pipeline.cli.app import app
from f1_pipeline.cli.output import notices
from f1_pipeline.cli.progress import quiet
from f1_pipeline.errors import F1Error
from f1_pipeline.secrecy import without_secrets
from f1_pipeline.settings import get_settings
from f1_pipeline.storage.outages import outages_named


def _fail(error: str) -> NoReturn:
    """End with an error that is one line."""
    try:
        as_json = get_settings().log_format == "json"
        error = without_secrets(get_settings(), error)
    except ValidationError:
        as_json = False
    if as_json:
        quiet()
        logging.getLogger("f1_pipeline.cli").error(error)
    else:
        # Escaped: a message may quote what somebody wrote into a file, and brackets are markup.
        notices.print(f"[bold red]error:[/] {escape(error)}", soft_wrap=True)
    sys.exit(1)


def main() -> None:
    """Entry point: the product's own errors are one line on standard error and exit code 1."""
    try:
        with outages_named():
            app()
    except ValidationError as error:
        for fault in error.errors():
            name = "F1_" + "_".join(str(part) for part in fault["loc"]).upper()
            notices.print(f"[bold red]error:[/] setting {name}: {fault['msg']}", soft_wrap=True)
        sys.exit(1)
    except F1Error as error:
        _fail(str(error))
    except Exception as error:
        if (reason := _database_says(error)) is None:
            raise
        _fail(f"the database does not answer: {reason}")


def _database_says(error: Exception) -> str | None:
    """What a database server said that is away, or lets nobody in; None for any other error."""
    known = sys.modules.get("sqlalchemy.exc")
    if known is None or not isinstance(error, known.OperationalError):
        return None
    return str(error.orig).strip().splitlines()[0]
