"""What must not be told, and how it is taken out of texts that go elsewhere: logs, messages to other systems."""

from __future__ import annotations

import json
from functools import lru_cache
from urllib.parse import unquote

from pydantic import SecretStr

from f1_pipeline.settings import Settings

STARS = "***"


def without_secrets(settings: Settings, text: str) -> str:
    """A text with every secret of the settings, and every password in an address of theirs, replaced by stars."""
    for secret in _secrets(tuple(_values(settings))):
        text = text.replace(secret, STARS)
    return text


def passwords(address: str) -> list[str]:
    """Texts of an address that may be its password, as they are written.

    Cut out by hand: SQLAlchemy takes passwords with "/", "#", "?" and "[" in them, which the standard library takes
    for the end of the host, or refuses. An "@" ends a password for some and not for others: then each piece counts.
    """
    user, at, _ = address.partition("://")[2].rpartition("@")
    _, colon, password = user.partition(":")
    return [piece for piece in (password, *password.split("@")) if piece] if at and colon else []


def without_passwords(address: str) -> str:
    """An address without the password that may be in it: messages end in logs and in Dagster's history."""
    found = passwords(address)
    return address.replace(f":{found[0]}@", f":{STARS}@", 1) if found else address


def _values(settings: Settings) -> list[tuple[bool, str]]:
    """Values that are secrets (True), and those that may hold one."""
    found = []
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            found.append((True, value.get_secret_value()))
        elif isinstance(value, str) and "://" in value:
            found.append((False, value))
    return found


@lru_cache(maxsize=16)
def _secrets(values: tuple[tuple[bool, str], ...]) -> tuple[str, ...]:
    """Texts to replace, the longest first: one may be part of another."""
    secrets: set[str] = set()
    for is_secret, value in values:
        for password in [value] if is_secret else passwords(value):
            secrets |= {password, unquote(password)}
    # As JSON writes them too: a quotation mark in a password would otherwise keep it from being found.
    secrets |= {
        json.dumps(secret, ensure_ascii=escape)[1:-1] for secret in set(secrets) for escape in (True, False)
    }
    return tuple(sorted(filter(None, secrets), key=lambda secret: (-len(secret), secret)))
