"""The virtual now of a replay."""

from __future__ import annotations

from datetime import UTC, datetime


class Clock:
    """A moment that stands until it is set; shared by the servers and whoever plays. Times are aware, in UTC."""

    def __init__(self, now: datetime):
        self.set(now)

    def now(self) -> datetime:
        """The virtual moment."""
        return self._now

    def set(self, now: datetime) -> None:
        """Go to a moment, back or forth.

        Raises:
            ValueError: the moment has no time zone, which has made a race start on the wrong day before.
        """
        if now.tzinfo is None:
            raise ValueError(f"a moment needs a time zone: {now}")
        self._now = now.astimezone(UTC)
