"""docker-compose.yml as Compose reads it, for tests on machines without a container engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from f1_pipeline.settings import ROOT

FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


class Missing(Exception):
    """A variable that has no default is not set, or empty: Compose refuses the file with this message."""


def interpolated(value: Any, environment: Mapping[str, str]) -> Any:
    """A value of the file with ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?message}`` replaced."""
    if isinstance(value, dict):
        return {key: interpolated(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item, environment) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        given = environment.get(match["name"], "")
        if given or match["kind"] is None:
            return given
        if match["kind"] == "?":
            raise Missing(f"{match['name']}: {match['rest']}")
        return match["rest"]

    return _VARIABLE.sub(replace, value)


def load(environment: Mapping[str, str]) -> dict[str, Any]:
    """The file with its variables replaced.

    Raises:
        Missing: a variable without a default is not set.
    """
    parsed: dict[str, Any] = interpolated(raw(), environment)
    return parsed


def raw() -> dict[str, Any]:
    """The file with its anchors resolved and its variables as they stand there."""
    parsed: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return parsed
