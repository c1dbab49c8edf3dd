"""The count of requests that all processes of an installation share (fault 1: the hourly cap of a source)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from f1_pipeline.errors import BudgetExhausted, SourceUnavailable
from f1_pipeline.settings import ROOT
from f1_pipeline.sources import budget as module
from f1_pipeline.sources.budget import Budget

ASK = """
import sys, time
from pathlib import Path
from f1_pipeline.errors import BudgetExhausted
from f1_pipeline.sources.budget import Budget

budget = Budget(Path(sys.argv[1]), "test", int(sys.argv[2]), int(sys.argv[3]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[4])):
    try:
        budget.acquire()
        print(f"{time.time():.6f}", flush=True)
    except BudgetExhausted:
        print("exhausted", flush=True)
"""
"""A process that asks as often as it is told, and tells when it was allowed to."""


def ask_together(directory: Path, processes: int, per_hour: int, per_second: int, each: int) -> list[str]:
    """What processes that begin at the same moment print, all together."""
    words = [str(directory), str(per_hour), str(per_second), str(each)]
    children = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(processes)
    ]
    lines: list[str] = []
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    for child in children:
        out, _ = child.communicate(timeout=60)
        assert child.returncode == 0
        lines += out.split()
    return lines


def test_processes_share_the_hour(tmp_path: Path) -> None:
    lines = ask_together(tmp_path, processes=4, per_hour=30, per_second=1000, each=12)
    assert lines.count("exhausted") == 4 * 12 - 30
    assert Budget(tmp_path, "test", 30, 1000).used() == 30


def test_processes_share_the_second(tmp_path: Path) -> None:
    lines = ask_together(tmp_path, processes=3, per_hour=1000, per_second=5, each=6)
    assert (len(lines), lines.count("exhausted")) == (18, 0)
    # The times that were counted: those that a process prints may be late.
    with Budget(tmp_path, "test", 1000, 5)._bucket() as bucket:
        items = [bucket.peek(place) for place in range(18)]
    times = sorted(item.timestamp for item in items if item is not None)
    assert len(times) == 18
    assert min(later - earlier for earlier, later in zip(times, times[5:], strict=False)) > 1000


def test_threads_share_it_too(tmp_path: Path) -> None:
    budget = Budget(tmp_path, "test", 20, 1000)
    outcomes: list[bool] = []

    def ask() -> None:
        for _ in range(8):
            try:
                budget.acquire()
                outcomes.append(True)
            except BudgetExhausted:
                outcomes.append(False)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count(True), outcomes.count(False)) == (20, 12)


def test_a_killed_process_leaves_the_count_usable(tmp_path: Path) -> None:
    """Killed with the lock in its hand."""
    code = f"""
from pathlib import Path
from f1_pipeline.sources.budget import Budget
budget = Budget(Path({str(tmp_path)!r}), "test")
budget.acquire()
with budget._bucket():
    print("locked", flush=True)
    import time
    time.sleep(60)
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "locked\n"
    child.kill()
    child.wait()
    child.stdout.close()
    budget = Budget(tmp_path, "test")
    budget.acquire()
    assert budget.used() == 2


class Clock:
    """A clock to turn, in the place of the budget's own."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.ms = 1_700_000_000_000
        patch.setattr(module, "_now_ms", lambda: self.ms)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_the_window_slides(tmp_path: Path, clock: Clock) -> None:
    budget = Budget(tmp_path, "test", 3, 2)
    for minutes in (0, 20, 20):
        clock.ms += minutes * 60_000
        budget.acquire()
    assert budget.used() == 3
    with pytest.raises(BudgetExhausted, match=r"test: 3 requests in the last hour, .* our limit") as caught:
        budget.acquire()
    assert caught.value.retry_at == datetime.fromtimestamp(1_700_003_600.001, UTC)
    clock.ms = int(caught.value.retry_at.timestamp() * 1000) - 2
    with pytest.raises(BudgetExhausted):
        budget.acquire()
    clock.ms += 2
    budget.acquire()
    assert budget.used() == 3
    clock.ms += 3_601_000
    assert budget.used() == 0


def test_a_clock_that_was_set_back_does_not_lock_the_source_out(tmp_path: Path, clock: Clock) -> None:
    budget = Budget(tmp_path, "test", 3, 2)
    clock.ms += 365 * 86_400_000
    for _ in range(3):
        clock.ms += 1000
        budget.acquire()
    budget.close_until(datetime.now(UTC) + timedelta(hours=1))
    clock.ms -= 365 * 86_400_000
    stamp = (tmp_path / "test.closed-until").read_text().split()[1]
    written = datetime.now(UTC) + timedelta(days=365)
    (tmp_path / "test.closed-until").write_text(f"{written.isoformat()} {stamp}")
    budget.acquire()
    assert budget.used() == 1


def test_a_closed_source_costs_nothing(tmp_path: Path) -> None:
    budget = Budget(tmp_path, "test")
    until = datetime.now(UTC) + timedelta(minutes=5)
    budget.close_until(until)
    assert budget.closed_until() == until
    with pytest.raises(BudgetExhausted) as caught:
        budget.acquire()
    assert caught.value.retry_at == until
    assert budget.used() == 0
    budget.close_until(datetime.now(UTC) - timedelta(seconds=1))
    assert budget.closed_until() is None
    budget.acquire()


@pytest.mark.parametrize(
    ("per_hour", "per_second", "allowed"), [(1, 4, 1), (4, 4, 4), (5, 4, 4), (20000, 2, 2), (14400, 4, 4)]
)
def test_any_two_limits_go_together(
    tmp_path: Path,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    per_hour: int,
    per_second: int,
    allowed: int,
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(
        time, "sleep", lambda seconds: (waited.append(seconds), setattr(clock, "ms", clock.ms + 1001))
    )
    budget = Budget(tmp_path, "test", per_hour, per_second)
    for _ in range(allowed):
        budget.acquire()
    assert waited == []
    if per_hour <= per_second:
        with pytest.raises(BudgetExhausted):
            budget.acquire()
    else:
        budget.acquire()
        assert waited == [pytest.approx(1.001)]


def test_names_are_counted_apart(tmp_path: Path) -> None:
    Budget(tmp_path, "one").acquire()
    assert (Budget(tmp_path, "one").used(), Budget(tmp_path, "other").used()) == (1, 0)


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A directory that another user can enter; those of pytest are its own user's."""
    with tempfile.TemporaryDirectory(prefix="f1-budget-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_who_may_only_read_is_told_the_count_too(open_to_all: Path, clock: Clock) -> None:
    """The server of metrics, in a container, has the volume read-only; SQLite would make files for a lock."""
    folder = open_to_all / "limits"
    clock.ms = time.time_ns() // 1_000_000
    for _ in range(2):
        clock.ms += 1
        Budget(folder, "test").acquire()
    clock.ms -= 3_700_000
    Budget(folder, "old").acquire()
    names = sorted(path.name for path in folder.iterdir())
    folder.chmod(0o555)
    code = (
        "import sys; from pathlib import Path; from f1_pipeline.sources.budget import Budget;"
        "print(Budget(Path(sys.argv[1]), 'test').used(), Budget(Path(sys.argv[1]), 'old').used(),"
        "Budget(Path(sys.argv[1]), 'other').used())"
    )
    nobody = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    found = subprocess.run(
        [*nobody, sys.executable, "-W", "ignore", "-c", code, str(folder)],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    folder.chmod(0o755)
    assert found.stdout == "2 0 0\n", found.stderr
    assert sorted(path.name for path in folder.iterdir()) == names, "nothing was made"


def test_a_damaged_count_is_named_and_not_taken_for_zero(tmp_path: Path) -> None:
    (tmp_path / "test.sqlite").write_bytes(b"no database " * 500)
    budget = Budget(tmp_path, "test")
    with pytest.raises(
        SourceUnavailable, match=r"test: the count of requests in .*test\.sqlite cannot be used"
    ):
        budget.acquire()
