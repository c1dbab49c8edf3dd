"""How runs of Dagster write on the console of their process, where log lines are JSON."""

from __future__ import annotations

import logging

from dagster import Field, InitLoggerContext, LoggerDefinition, logger

from f1_pipeline import logs
from f1_pipeline.settings import get_settings


@logger(
    config_schema={"log_level": Field(str, is_required=False, default_value="INFO")},
    description="One JSON object a line, with run, job, step and race.",
)
def json_console(context: InitLoggerContext) -> logging.Logger:
    """Dagster's lines of a run, in the form of all others."""
    made = logging.getLoggerClass()("dagster", level=context.logger_config["log_level"])
    handler = logging.StreamHandler()
    handler.setFormatter(logs.json_formatter(get_settings(), "run"))
    made.addHandler(handler)
    return made


def run_loggers() -> dict[str, LoggerDefinition]:
    """Loggers of the code location; without any, Dagster has its own."""
    return {"console": json_console} if logs.is_json(get_settings()) else {}


def run_config(config: dict[str, object] | None = None) -> dict[str, object]:
    """The config of a run that is asked for, with the logger where it is not Dagster's own.

    Dagster takes the loggers of a location only where a config names them.
    """
    settings = get_settings()
    if not logs.is_json(settings):
        return config or {}
    named = {"console": {"config": {"log_level": settings.log_level}}}
    return {**(config or {}), "loggers": named}
