"""What must not be told, and how it is taken out of texts that go elsewhere: logs, messages to other systems."""

from __future__ import annotations

import json
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from f1_pipeline.settings import Settings

STARS = "***"


def without_secrets(settings: Settings, text: str) -> str:
    """A text with every secret of the settings, and every password in an address of theirs, replaced by stars."""
    for secret in _secrets(tuple(_values(settings))):
        text = text.replace(secret, STARS)
    return text


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
        # An address whose user writes "@" or ":" in a password as they are is no valid one; settings say so elsewhere.
        password = value if is_secret else urlsplit(value).password
        if password:
            secrets |= {password, unquote(password)}
    # As JSON writes them too: a quotation mark in a password would otherwise keep it from being found.
    secrets |= {
        json.dumps(secret, ensure_ascii=escape)[1:-1] for secret in set(secrets) for escape in (True, False)
    }
    return tuple(sorted(filter(None, secrets), key=lambda secret: (-len(secret), secret)))
