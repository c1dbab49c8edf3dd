"""Many requests share one question to the server of the tables."""

from __future__ import annotations

import time

import anyio
import pytest
from sqlalchemy import make_url

from f1_app.api.marks import SHARED_SECONDS, Marks
from f1_app.database import DatabaseUnavailableError, Problem, Watch

pytestmark = pytest.mark.anyio


class Slow(Watch):
    """A server that takes its time, and counts."""

    asked = 0
    away = False

    def mark(self) -> str:
        """Another text each time."""
        self.asked += 1
        time.sleep(0.02)
        if self.away:
            raise DatabaseUnavailableError(Problem.UNREACHABLE, "no route")
        return f"mark {self.asked}"


@pytest.fixture
def watch() -> Slow:
    return Slow(make_url("postgresql+psycopg://host/f1"))


async def together(marks: Marks, count: int) -> list[str]:
    found: list[str] = []

    async def ask() -> None:
        try:
            found.append(await marks.now())
        except DatabaseUnavailableError as error:
            found.append(error.detail)

    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(ask)
    return found


async def test_requests_at_one_time_share_a_question(watch: Slow) -> None:
    assert await together(Marks(watch), 100) == ["mark 1"] * 100
    assert watch.asked == 1


async def test_a_later_request_asks_again(watch: Slow) -> None:
    marks = Marks(watch)
    first = await marks.now()
    await anyio.sleep(SHARED_SECONDS)
    assert await marks.now() != first


async def test_a_server_that_is_away_is_not_waited_for_in_a_row(watch: Slow) -> None:
    marks = Marks(watch)
    watch.away = True
    assert await together(marks, 100) == ["no route"] * 100
    assert watch.asked == 1
    await anyio.sleep(SHARED_SECONDS)
    watch.away = False
    assert await marks.now() == "mark 2"


async def test_a_file_is_looked_at_for_each_request(watch: Slow) -> None:
    quick = Slow(make_url("sqlite:///tables.db"))
    assert await together(Marks(quick), 3) == ["mark 1", "mark 2", "mark 3"]
