"""One update at a time: the lock in the tables, and what becomes of it when its holder dies."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from sqlalchemy import Engine, text

from f1_pipeline.storage.engine import get_engine, only_update


def test_an_update_on_another_machine_is_waited_for(postgres: str) -> None:
    """Two processes that share the tables and no directory; the lock of one that was killed is free at once."""
    url = postgres
    script = (
        "import sys, time\n"
        "from f1_pipeline.storage.engine import get_engine, only_update\n"
        "with only_update(get_engine(sys.argv[1]), lambda: print('waits', flush=True)):\n"
        "    print('holds', flush=True)\n"
        "    time.sleep(float(sys.argv[2]))\n"
    )

    def start(seconds: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script, url, str(seconds)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    first = start(600)
    assert first.stdout is not None
    assert first.stdout.readline() == "holds\n"
    second = start(0)
    assert second.stdout is not None
    assert second.stdout.readline() == "waits\n"
    first.send_signal(signal.SIGKILL)
    assert second.stdout.readline() == "holds\n"
    assert second.wait(30) == 0
    first.wait(30)
    for process in (first, second):
        assert process.stdout is not None
        process.stdout.close()


def test_the_lock_of_an_update_is_given_back(database_url: str) -> None:
    engine, waited = get_engine(database_url), []
    for _ in range(2):
        with pytest.raises(RuntimeError, match="pulled"), only_update(engine, lambda: waited.append(1)):
            raise RuntimeError("pulled the plug")
    assert waited == []


def test_a_lock_that_is_lost_is_noticed(database_url: str) -> None:
    engine = get_engine(database_url)
    with only_update(engine, lambda: None) as lock:
        assert lock.is_held()
        assert lock.is_held(), "asking takes nothing away"
        if engine.dialect.name == "postgresql":
            _end_who_holds_it(engine)
            assert not lock.is_held()
            with only_update(engine, lambda: pytest.fail("it is free")) as other:
                assert other.is_held()
                assert not lock.is_held(), "what somebody else holds does not count"
    with only_update(engine, lambda: pytest.fail("it was not given back")) as lock:
        assert lock.is_held()


def _end_who_holds_it(engine: Engine) -> None:
    """As an administrator, a failover or an idle timeout of the server does."""
    with engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
                " WHERE locktype = 'advisory' AND objsubid = 1 AND datname = current_database()"
            )
        )
        assert found.scalars().all() == [True]
