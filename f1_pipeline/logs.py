"""How the product's log lines look: for people by default, as one JSON object a line with ``F1_LOG_FORMAT=json``.

What is known where a line is written goes into it as fields: ``run`` and ``job`` of Dagster, ``step``, ``race``. The code
does not hand them around: who begins something binds them (``bound``), and Dagster's own lines carry theirs.
Every line, in both forms, passes one place that replaces the secrets of the settings by stars.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars

from f1_pipeline.secrecy import without_secrets
from f1_pipeline.settings import Settings

OWN_HANDLERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "streamlit")
"""Loggers of servers that bring a handler and a format of their own; with JSON their lines go through ours."""

_HANDLER = "f1"
_TEXT = "%(levelname)s %(name)s: %(message)s"

Event = MutableMapping[str, Any]


@contextmanager
def bound(**facts: str) -> Iterator[None]:
    """Have every line that is written inside the ``with`` statement carry these fields; empty ones are left out."""
    with bound_contextvars(**{name: value for name, value in facts.items() if value}):
        yield


def configured() -> bool:
    """Whether this process has been told how its lines look."""
    return any(one.get_name() == _HANDLER for one in logging.getLogger().handlers)


def configure(settings: Settings, component: str, stream: TextIO | None = None) -> None:
    """Send log lines to standard error in the form of the settings; a second call replaces the first.

    ``component``: which program this is, such as ``api``; a field of every line.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.set_name(_HANDLER)
    handler.setFormatter(json_formatter(settings, component) if is_json(settings) else _Text(settings))
    root = logging.getLogger()
    for old in [one for one in root.handlers if one.get_name() == _HANDLER]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    if is_json(settings):
        names = [*OWN_HANDLERS, *(str(name) for name in logging.root.manager.loggerDict)]
        for name in names:
            if name.partition(".")[0] in OWN_HANDLERS:
                logger = logging.getLogger(name)
                logger.handlers.clear()
                logger.propagate = True


def quiet(settings: Settings, component: str) -> None:
    """Only what matters on the terminal: the log of a run is in the Dagster UI."""
    configure(settings, component)
    for name in ("dagster", "alembic", "mlflow", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns of what it could not end in good order while the error that is why is on its way here.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")


def is_json(settings: Settings) -> bool:
    """Whether log lines are for programs."""
    return settings.log_format == "json"


class _Text(logging.Formatter):
    """A line for people."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(_TEXT)
        self._settings = settings

    def format(self, record: logging.LogRecord) -> str:
        """The line, without secrets."""
        return without_secrets(self._settings, super().format(record))


class _Json(structlog.stdlib.ProcessorFormatter):
    """A JSON object of one line."""

    def __init__(self, settings: Settings, component: str) -> None:
        def about(_logger: Any, _name: str, event: Event) -> Event:
            event["component"] = component
            record = event.get("_record")
            if record is not None:
                event.update(_of_dagster(record))
            return event

        before: list[structlog.typing.Processor] = [
            merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.format_exc_info,
        ]
        super().__init__(
            foreign_pre_chain=before,
            processors=[
                about,
                self.remove_processors_meta,
                structlog.processors.EventRenamer("message"),
                structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
            ],
        )
        self._settings = settings

    def format(self, record: logging.LogRecord) -> str:
        """The line, without secrets."""
        return without_secrets(self._settings, super().format(record))


def json_formatter(settings: Settings, component: str) -> logging.Formatter:
    """A formatter that makes one JSON object a line: ``time`` (UTC), ``level``, ``logger``, ``message``, ``component``; where
    known ``run``, ``job``, ``step``, ``race``; of an exception ``exception``, the traceback."""
    return _Json(settings, component)


_FIELDS = {"run_id": "run", "job_name": "job", "step_key": "step"}
_RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
_PARTITION = "dagster/partition"


def _of_dagster(record: logging.LogRecord) -> dict[str, str]:
    """Fields of a line that Dagster has written for a run."""
    meta = getattr(record, "dagster_meta", None)
    if not isinstance(meta, dict):
        return {}
    found = {name: str(meta[key]) for key, name in _FIELDS.items() if meta.get(key)}
    # In place of the message that Dagster makes, which repeats run, process and step.
    if text := meta.get("orig_message"):
        found["event"] = str(text)
    if race := races_of(meta.get("job_tags") or {}):
        found["race"] = race
    return found


def races_of(tags: MutableMapping[str, str]) -> str:
    """The race of a run by its tags, or the first and the last of a range; empty where it has none."""
    first, last = (tags.get(name) for name in _RANGE)
    if first and last:
        return first if first == last else f"{first}..{last}"
    return tags.get(_PARTITION, "")
