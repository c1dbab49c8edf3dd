"""How many requests one client may make in a minute.

The count is exact for any 60 seconds (a moving window, of the library ``limits``), in the memory of this process: with
several processes each counts for itself. Who the client is says the connection, or the proxy in front of it where
``F1_API_TRUSTED_PROXIES`` names one.
"""

from __future__ import annotations

import math
import time
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from f1_app.api.errors import ApiError, Code, answer
from f1_app.api.windows import Windows

NEXT_RACE = "/api/v1/predictions/next-race"
FREE = ("/health", "/health/live", "/api/v1/health", "/metrics")
"""Not counted: a probe that is refused would restart a healthy server, and metrics are wanted most under load."""

_IPV6_CLIENT = 64
"""Bits of an IPv6 address that stand for one client: whoever has one address has all that share them."""


def client_of(scope: Scope) -> str:
    """Whom a request is counted for."""
    host = (scope.get("client") or ("unknown", 0))[0]
    if ":" not in host:
        return host
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network(f"{address}/{_IPV6_CLIENT}", strict=False).network_address)


class Gate:
    """ASGI middleware: 429 to who asks too often, and to all others how much is left."""

    def __init__(self, app: ASGIApp, per_minute: int, next_race_per_minute: int) -> None:
        self.app = app
        self._limiter = MovingWindowRateLimiter(Windows())
        self._all = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._next = RateLimitItemPerMinute(next_race_per_minute) if next_race_per_minute else None

    def _limits(self, path: str) -> list[tuple[RateLimitItemPerMinute, str]]:
        # The narrower one first: what it refuses is not counted for the other.
        narrow = [(self._next, "next-race")] if path == NEXT_RACE else []
        return [(item, name) for item, name in [*narrow, (self._all, "all")] if item is not None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count a request and pass it on, or refuse it."""
        limits = (
            []
            if scope["type"] != "http" or scope["path"] in FREE
            else self._limits(scope["path"].rstrip("/"))
        )
        if not limits:
            await self.app(scope, receive, send)
            return
        client = client_of(scope)
        refused = next((pair for pair in limits if not self._limiter.hit(pair[0], pair[1], client)), None)
        item, name = refused or limits[0]
        stats = self._limiter.get_window_stats(item, name, client)
        reset = max(1, math.ceil(stats.reset_time - time.time()))
        left = {
            "RateLimit-Limit": str(item.amount),
            "RateLimit-Remaining": str(max(0, stats.remaining)),
            "RateLimit-Reset": str(reset),
        }
        if refused is not None:
            error = ApiError(
                429,
                Code.RATE_LIMIT_EXCEEDED,
                f"More than {item.amount} requests in a minute; the next one is answered in {reset} s.",
                limit=item.amount,
                per_seconds=60,
                retry_after_seconds=reset,
            )
            await answer(error, {**left, "Retry-After": str(reset)})(scope, receive, send)
            return

        headers = [(key.lower().encode(), value.encode()) for key, value in left.items()]

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        await self.app(scope, receive, with_headers)
