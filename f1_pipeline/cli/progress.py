"""What a command says while it works."""

from __future__ import annotations

import logging

from rich.markup import escape

from f1_pipeline.cli.output import notices
from f1_pipeline.secrecy import without_secrets
from f1_pipeline.settings import get_settings


def quiet() -> None:
    """Only what matters on the terminal."""
    from f1_pipeline import logs

    logs.quiet(get_settings(), "f1")


def tell(line: str) -> None:
    """What goes on, for whoever watches: a line on the terminal, or a log line for programs."""
    if get_settings().log_format == "json":
        logging.getLogger("f1_pipeline.update").info(line)
    else:
        # Escaped: a message may quote what somebody wrote into a file, and brackets are markup.
        notices.print(f"  {escape(without_secrets(get_settings(), line))}", soft_wrap=True)
