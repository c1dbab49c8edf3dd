"""The client against a server with the faults that really happened: what is asked again, how long is waited, the budget (numbers as in their list)."""

from __future__ import annotations

import logging
import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from f1_pipeline.errors import BudgetExhausted, SourceBusy, SourceRefused, SourceUnavailable
from f1_pipeline.sources.http import retry_after, with_retries
from tests.sources.ergast_parts import Make

# --- trouble ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble", ["500", "502", "503", "504", "521", "429", "429 0", "429 soon", "truncated", "cut", "hang up"]
)
def test_what_passes_is_asked_again(
    api: Any, make_client: Make, season: list[dict[str, Any]], trouble: str
) -> None:
    """Faults 1 and 3: throttled, or an outage."""
    api.script = [trouble, trouble]
    assert make_client().results(2026, 1).items == season[:1]
    assert len(api.requests) == 3


@pytest.mark.parametrize("trouble", ["500", "429", "truncated", "cut", "hang up", "silent"])
def test_what_does_not_pass_is_given_up(
    api: Any, make_client: Make, season: list[dict[str, Any]], trouble: str
) -> None:
    """Fault 3: an outage of hours."""
    api.script = [trouble] * 9
    with pytest.raises(SourceUnavailable, match="jolpica"):
        make_client(timeout=0.2).results(2026, 1)
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    "answer",
    ["400", "401", "403", "404", "405", "html", "html as json", "{}", "[]", '{"MRData": "closed"}', "null"],
)
def test_a_refusal_is_not_asked_again(
    api: Any, make_client: Make, season: list[dict[str, Any]], answer: str
) -> None:
    """Fault 15: a source closes, or answers with something else than its JSON."""
    api.script = [answer]
    with pytest.raises(SourceRefused, match=r"jolpica.*/2026/1/results/"):
        make_client().results(2026, 1)
    assert len(api.requests) == 1


def test_nobody_listening(make_client: Make, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"jolpica: schedule of 2026: 127.0.0.1 cannot be reached"):
        make_client(url="http://127.0.0.1:1", waits=()).schedule(2026)


# --- Retry-After -----------------------------------------------------------------------------------------


NOW = datetime(2026, 3, 8, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("0", 0),
        ("90", 90),
        ("Sun, 08 Mar 2026 12:01:00 GMT", 60),
        ("Sun, 08 Mar 2026 12:01:00 -0000", 60),
        ("Sun, 08 Mar 2026 11:00:00 GMT", 0),
    ],
)
def test_a_wait_may_be_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


def test_a_demanded_wait_takes_the_place_of_a_shorter_one(caplog: pytest.LogCaptureFixture) -> None:
    """Fault 1: 429 with ``Retry-After``."""
    failures = [SourceUnavailable("busy", 0.2), SourceUnavailable("busy", 0.001)]

    def call() -> str:
        if failures:
            raise failures.pop(0)
        return "done"

    before = datetime.now(UTC)
    with caplog.at_level(logging.WARNING):
        assert with_retries(call, (0.01, 0.1), "test", 0.2) == "done"
    assert 0.3 <= (datetime.now(UTC) - before).total_seconds() < 3
    waits = [float(record.message.split()[-2]) for record in caplog.records]
    assert 0.2 <= waits[0] <= 0.2501
    assert 0.1 <= waits[1] <= 0.1251


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_wait_that_is_too_long_ends_the_run_for_all_processes(
    api: Any, make_client: Make, season: list[dict[str, Any]], form: str
) -> None:
    """Fault 1: nothing is asked before the time that the source named, and then the run goes on."""
    at = datetime.now(UTC) + timedelta(seconds=600)
    api.script = ["429 600" if form == "seconds" else "429 " + format_datetime(at, usegmt=True)]
    with pytest.raises(SourceBusy, match=r"429 .* asks to be left alone until 20") as caught:
        make_client().results(2026, 1)
    assert abs(caught.value.retry_at - at) < timedelta(seconds=5)
    with pytest.raises(BudgetExhausted, match="the source asked to be left alone until") as later:
        make_client().results(2026, 1)
    assert later.value.retry_at == caught.value.retry_at
    assert len(api.requests) == 1
    make_client()._budget.close_until(datetime.now(UTC))
    assert make_client().results(2026, 1).items == season[:1]


def test_a_wait_demanded_after_the_last_attempt_is_told(api: Any, make_client: Make) -> None:
    api.script = ["429 30"]
    with pytest.raises(SourceBusy):
        make_client(waits=()).results(2026, 1)


def test_the_longest_wait_is_a_setting(api: Any, make_client: Make, season: list[dict[str, Any]]) -> None:
    api.script = ["429 1"]
    with pytest.raises(SourceBusy):
        make_client(longest=0.5).results(2026, 1)


@pytest.mark.parametrize("kind", [SourceBusy, BudgetExhausted])
def test_errors_with_a_time_survive_another_process(kind: type[SourceBusy]) -> None:
    copy = pickle.loads(pickle.dumps(kind("why", NOW)))  # noqa: S301
    assert (type(copy), str(copy), copy.retry_at) == (kind, "why", NOW)


# --- budget ----------------------------------------------------------------------------------------------


def test_the_run_stops_cleanly_when_the_hour_is_used_up_and_goes_on_where_it_was(
    api: Any, make_client: Make, season: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 1: our own limit, lower than the source's. Two pages fit into it, the third one waits."""
    client = make_client(per_hour=2)
    with pytest.raises(BudgetExhausted, match="jolpica: 2 requests in the last hour") as caught:
        client.results(2026)
    wait = caught.value.retry_at - datetime.now(UTC)
    assert timedelta(minutes=59) < wait <= timedelta(hours=1, seconds=1)
    assert client.used() == 2
    assert len(api.requests) == 2
    raised = make_client(per_hour=10)
    assert raised.results(2026).items == season


def test_retries_count(api: Any, make_client: Make) -> None:
    api.script = ["500", "500", "good"]
    client = make_client()
    client.results(2026, 1)
    assert client.used() == 3
