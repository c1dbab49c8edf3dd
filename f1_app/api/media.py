"""Which form an answer takes: JSON, CSV, or a calendar."""

from __future__ import annotations

from functools import lru_cache

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

JSON = "application/json"
CSV = "text/csv"
CALENDAR = "text/calendar"
ALL = (JSON, CSV, CALENDAR)
"""In the order that decides where a client has no preference."""

_LONGEST = 1000


@lru_cache(maxsize=256)
def _accepted(accept: str) -> tuple[str, ...]:
    header = parse_accept_header(accept, MIMEAccept)
    quality = {media: header.quality(media) for media in ALL}
    return tuple(sorted((media for media in ALL if quality[media] > 0), key=lambda media: -quality[media]))


def accepted(accept: str) -> tuple[str, ...]:
    """The forms that a client takes, best first; all of them without a header.

    One that is longer than any real one counts as none: it is not worth the memory of parsing it once only.
    """
    return _accepted(accept) if accept and len(accept) <= _LONGEST else ALL
