"""Finished answers: kept while the tables stay as they are, and compared with what the client has already.

An answer is kept as bytes under its address and form, with the mark of the tables (``Watch``) that it was made at. At
every request the mark is looked at again (``Marks``): any commit of anybody makes all that is kept useless, at once and for every
table, so there is no list of what depends on what that could be wrong. A minute is the longest an answer is kept in any
case, since which race is next depends on the clock as well.

The ``ETag`` is strong: a digest of the bytes, and of the data version, which changes with every load, forecast and
score. Only what is history leaves the data version out, so that it stays the same until it is revised itself.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.http import parse_etags

from f1_app import queries
from f1_app.api import errors, media
from f1_app.api.marks import Marks
from f1_app.database import DatabaseUnavailableError, Watch, reading

PREFIX = "/api/v1/"
KEPT_SECONDS = 60.0
KEPT_BYTES = 64 * 2**20
LARGEST = KEPT_BYTES // 16
_OVERHEAD = 1000
"""What an answer costs in memory beside its bytes, so that very many tiny ones do not count as nothing."""

Headers = list[tuple[bytes, bytes]]
Key = tuple[str, bytes, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it is sent, with the moment until which it may be sent again."""

    headers: Headers
    body: bytes
    etag: str
    mark: str
    until: float

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        return len(self.body) + _OVERHEAD


class Kept:
    """The answers that were asked for last, up to ``KEPT_BYTES``."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self.size = 0

    def get(self, key: Key, mark: str) -> Answer | None:
        """An answer made at this mark of the tables and not too long ago."""
        found = self._answers.get(key)
        if found is None or found.mark != mark or found.until < time.monotonic():
            return None
        self._answers.move_to_end(key)
        return found

    def put(self, key: Key, answer: Answer) -> None:
        """Keep an answer; the ones that were not asked for longest make room."""
        if answer.size > LARGEST:
            return
        if (old := self._answers.pop(key, None)) is not None:
            self.size -= old.size
        self._answers[key] = answer
        self.size += answer.size
        while self.size > KEPT_BYTES:
            _, oldest = self._answers.popitem(last=False)
            self.size -= oldest.size


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """All values of a header, as one text."""
    return ",".join(value.decode("latin-1") for key, value in headers if key == name)


def _data_version() -> str:
    with reading() as connection:
        return queries.state.data_version(connection)


class Answers:
    """ASGI middleware: sends what is kept, keeps what was made, and 304 where the client has it already."""

    def __init__(self, app: ASGIApp, watch: Watch) -> None:
        self.app = app
        self._marks = Marks(watch)
        self._kept = Kept()
        self._version: tuple[str, str] = ("", "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        wanted = state["accepted"] = media.accepted(header(scope["headers"], b"accept"))
        key = (scope["path"], scope["query_string"], wanted)
        if not scope["path"].startswith(PREFIX):
            await self._made(scope, receive, send, key, None)
            return
        try:
            mark = await self._marks.now()
        except DatabaseUnavailableError as error:
            errors.log.error("no answer from the tables: %s", error)
            await self._made(scope, receive, send, key, None)
            return
        answer = self._kept.get(key, mark)
        if answer is None:
            await self._made(scope, receive, send, key, mark)
        else:
            await _send(scope, send, answer)

    async def _made(self, scope: Scope, receive: Receive, send: Send, key: Key, mark: str | None) -> None:
        """Have the answer made, keep it if it may be kept, and send it."""
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        # What is below answers GET only; the server sends no body in answer to HEAD, and neither does `_send`.
        try:
            await self.app({**scope, "method": "GET"}, receive, collect)
        except Exception:
            # Caught here, and not by the server: that would close the connection on a client who means to use it again.
            errors.log.exception("no answer to %s", scope["path"])
            await errors.internal()(scope, receive, send)
            return
        start = messages[0]
        body = b"".join(message.get("body", b"") for message in messages[1:])
        kind = scope["state"].get("kind")
        if mark is None or start["status"] != 200 or kind is None:
            await send(start)
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
            return
        digest = hashlib.sha256(body)
        digest.update(header(start["headers"], b"content-type").encode())
        if not kind.history:
            digest.update((await self._version_at(mark)).encode())
        etag = digest.hexdigest()[:32]
        headers = [*start["headers"], (b"etag", f'"{etag}"'.encode())]
        answer = Answer(headers, body, etag, mark, time.monotonic() + KEPT_SECONDS)
        self._kept.put(key, answer)
        await _send(scope, send, answer)

    async def _version_at(self, mark: str) -> str:
        if self._version[0] != mark:
            self._version = (mark, await to_thread.run_sync(_data_version))
        return self._version[1]


async def _send(scope: Scope, send: Send, answer: Answer) -> None:
    known = header(scope["headers"], b"if-none-match")
    if known and parse_etags(known).contains_weak(answer.etag):
        kept = [pair for pair in answer.headers if not pair[0].startswith(b"content-")]
        await send({"type": "http.response.start", "status": 304, "headers": kept})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": list(answer.headers)})
    body = b"" if scope["method"] == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body})
