"""Where the limits of requests keep their counts: a storage for the library ``limits``.

The library's own storage in memory starts a thread every ten milliseconds, which looks at every client there is: with
20,000 clients in a minute that alone takes more than the time there is. This one throws away what is over as it is
asked, and holds a bounded number of clients.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque

from limits.storage import Storage
from limits.storage.base import MovingWindowSupport

CLIENTS = 100_000
"""Counts that are held. Of more, the ones that were asked for longest ago are forgotten: they begin anew."""


def _forget(moments: deque[float], before: float) -> None:
    while moments and moments[0] < before:
        moments.popleft()


class Windows(Storage, MovingWindowSupport):
    """Moments of the last requests of each client. For one thread: the event loop."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._moments: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._moments)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a request (or ``amount`` of them), unless there were ``limit`` in the last ``expiry`` seconds."""
        now = time.time()
        moments = self._moments.get(key)
        if moments is None:
            self._make_room(now - expiry)
            moments = self._moments[key] = deque()
        else:
            self._moments.move_to_end(key)
        _forget(moments, now - expiry)
        if len(moments) + amount > limit:
            return False
        moments.extend([now] * amount)
        return True

    def _make_room(self, since: float) -> None:
        """Forget who was not here since a moment: two at most for each that comes, so that nobody waits for it."""
        for _ in range(2):
            oldest = next(iter(self._moments), None)
            if oldest is None:
                return
            moments = self._moments[oldest]
            if len(self._moments) < CLIENTS and moments and moments[-1] >= since:
                return
            del self._moments[oldest]

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002
        """The moment of the oldest request that counts, and how many do."""
        now = time.time()
        moments = self._moments.get(key)
        if moments is not None:
            _forget(moments, now - expiry)
        return (moments[0], len(moments)) if moments else (now, 0)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Not counted this way: only moving windows are used."""
        raise NotImplementedError

    def get(self, key: str) -> int:
        """Not counted this way: only moving windows are used."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        """Not counted this way: only moving windows are used."""
        raise NotImplementedError

    def clear(self, key: str) -> None:
        """Forget a client."""
        self._moments.pop(key, None)

    def reset(self) -> int | None:
        """Forget all clients."""
        count = len(self._moments)
        self._moments.clear()
        return count

    def check(self) -> bool:
        """It is memory: it is there."""
        return True

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        """What the storage may raise."""
        return ValueError
