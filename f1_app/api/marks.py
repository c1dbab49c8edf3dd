"""Whether the tables changed, asked for many requests at once.

A look at a SQLite file takes microseconds and is taken for each request. A question to a server takes a connection, a
thread and .7 ms: requests that come while one is under way, or within ``SHARED_SECONDS`` after it, share its answer.
"""

from __future__ import annotations

import time

import anyio
from anyio import to_thread

from f1_app.database import DatabaseUnavailableError, Watch

SHARED_SECONDS = 0.05
"""How long an answer of a server is believed: less than it takes to look at a page, and at most 20 questions a second
from each process however many requests it answers."""


class Marks:
    """The mark of the tables (``Watch``) for the requests of one event loop."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._asking = anyio.Lock()
        self._found: str | DatabaseUnavailableError = ""
        self._believed_until = 0.0

    async def now(self) -> str:
        """The mark, at most ``SHARED_SECONDS`` old.

        Raises:
            DatabaseUnavailableError: there is no database, or it does not answer. This is shared as well: behind a
                server that lets everybody wait, requests would else wait one after another.
        """
        if self._watch.is_quick:
            return self._watch.mark()
        async with self._asking:
            if time.monotonic() >= self._believed_until:
                try:
                    self._found = await to_thread.run_sync(self._watch.mark)
                except DatabaseUnavailableError as error:
                    self._found = error
                self._believed_until = time.monotonic() + SHARED_SECONDS
            if isinstance(self._found, DatabaseUnavailableError):
                raise DatabaseUnavailableError(self._found.problem, self._found.detail) from self._found
            return self._found
