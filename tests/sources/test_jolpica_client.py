"""The client of the Ergast-compatible API against a server with the faults that really happened (numbers as in their list)."""

from __future__ import annotations

import logging
import pickle
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from f1_pipeline.errors import BudgetExhausted, SourceBusy, SourceRefused, SourceUnavailable
from f1_pipeline.live import jolpica, jolpica_budget
from f1_pipeline.settings import Settings
from f1_pipeline.sources.budget import Budget
from f1_pipeline.sources.http import retry_after, with_retries
from f1_pipeline.sources.jolpica import JolpicaClient

Make = Callable[..., JolpicaClient]


@pytest.fixture
def make(api: Any, tmp_path: Path) -> Iterator[Make]:
    """Makes clients of the same installation."""
    made: list[JolpicaClient] = []

    def client(per_hour: int = 1000, **how: Any) -> JolpicaClient:
        budget = Budget(tmp_path / "limits", "jolpica", per_hour, 500)
        how = {"waits": (0.0, 0.0), "timeout": 5.0, "url": api.url, **how}
        made.append(JolpicaClient(budget, tmp_path / "cache", **how))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture
def season(api: Any, ergast: ModuleType) -> list[dict[str, Any]]:
    """Twelve races of 20 cars: three pages, and none of them ends with a race but the last."""
    races = [ergast.result(2026, number, 20) for number in range(1, 12)] + [ergast.result(2026, 12, 19)]
    api.content["2026/results"] = races
    api.content["2026/1/results"] = races[:1]
    return races


# --- questions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("schedule", "races"),
        ("results", "results"),
        ("qualifying", "qualifying"),
        ("sprint", "sprint"),
        ("driver_standings", "driverstandings"),
        ("constructor_standings", "constructorstandings"),
    ],
)
def test_each_question_asks_once_for_the_largest_page(api: Any, make: Make, method: str, path: str) -> None:
    client = make()
    for round_, where in ((None, "2026"), (3, "2026/3")):
        answer = getattr(client, method)(2026, round_)
        assert (answer.items, answer.rows) == ([], 0)
        assert api.requests.pop() == f"/{where}/{path}/?limit=100&offset=0"
    assert api.requests == []


def test_an_empty_answer_means_not_yet_and_is_no_error(api: Any, make: Make) -> None:
    """Fault 4: results come late, and an unknown round is answered with 200 and nothing."""
    assert make().results(2026, 99).items == []
    assert api.statuses == [200]


# --- pages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [100, 30, 7])
def test_pages_are_asked_for_up_to_the_total_and_joined(
    api: Any, make: Make, season: list[dict[str, Any]], page: int
) -> None:
    """Fault 2: a page is cut to 100 rows, or to any other number, in the middle of a race."""
    api.page = page
    answer = make().results(2026)
    assert answer.items == season
    assert answer.rows == 239
    offsets = [int(line.split("offset=")[1]) for line in api.requests]
    assert offsets == list(range(0, 239, page))


def test_a_total_that_lies_is_named(api: Any, make: Make, season: list[dict[str, Any]]) -> None:
    """Fault 2: rows are compared with the count."""
    api.total = 240
    with pytest.raises(
        SourceUnavailable, match=r"jolpica: results of 2026: 239 rows came, but .* there are 240"
    ):
        make().results(2026)
    api.total = 101
    with pytest.raises(SourceUnavailable, match=r"200 rows came, but .* there are 101"):
        make().results(2026, force=True)


def test_an_answer_that_changes_between_two_pages_is_named(
    api: Any, make: Make, season: list[dict[str, Any]]
) -> None:
    answer = api.answer

    def growing(handler: Any) -> None:
        api.total = 239 if "offset=0" in handler.path else 240
        answer(handler)

    api.answer = growing
    with pytest.raises(SourceUnavailable, match="the total went from 239 to 240 rows between two pages"):
        make().results(2026)


def test_kept_pages_that_do_not_fit_are_asked_for_again(
    api: Any, make: Make, ergast: ModuleType, season: list[dict[str, Any]]
) -> None:
    """Half an answer is kept, the rest fails; until then the source has changed."""
    client = make(waits=())
    api.script = ["good", "500"]
    with pytest.raises(SourceUnavailable):
        client.results(2026)
    api.content["2026/results"] = season = [*season, ergast.result(2026, 13)]
    assert client.results(2026).items == season


def test_pages_of_two_moments_are_asked_for_again_even_if_they_fit(
    api: Any, make: Make, ergast: ModuleType, season: list[dict[str, Any]]
) -> None:
    client = make(waits=())
    api.script = ["good", "500"]
    with pytest.raises(SourceUnavailable):
        client.results(2026)
    season[0]["Results"][0]["points"] = "0"
    assert client.results(2026).items[0]["Results"][0]["points"] == "0"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ('{"MRData": {"total": "1"}}', "another shape"),
        ('{"MRData": {"total": "1", "offset": "0", "RaceTable": {"Races": [{"season": "2026"}]}}}', "shape"),
        (
            '{"MRData": {"total": "20", "offset": "20", "RaceTable": {"Races": []}}}',
            "from 0 on, got .* 20 on",
        ),
        (
            '{"MRData": {"total": "0", "offset": "0", "RaceTable": {"Races": [{"Results": []}]}}}',
            "without season",
        ),
    ],
)
def test_another_shape_is_a_refusal(api: Any, make: Make, content: str, fault: str) -> None:
    """Fault 15: a source changes shape."""
    api.script = [content]
    with pytest.raises(SourceRefused, match=f"jolpica: results of 2026 round 1: .*{fault}"):
        make().results(2026, 1)
    assert len(api.requests) == 1


def test_races_that_nobody_asked_for_are_refused(api: Any, make: Make, season: list[dict[str, Any]]) -> None:
    """Fault 15: an API that ignores the round."""
    api.content["2026/2/results"] = season
    with pytest.raises(SourceRefused, match="jolpica: results of 2026 round 2: got season 2026 round 1"):
        make().results(2026, 2)


# --- trouble ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble", ["500", "502", "503", "504", "521", "429", "429 0", "429 soon", "truncated", "cut", "hang up"]
)
def test_what_passes_is_asked_again(api: Any, make: Make, season: list[dict[str, Any]], trouble: str) -> None:
    """Faults 1 and 3: throttled, or an outage."""
    api.script = [trouble, trouble]
    assert make().results(2026, 1).items == season[:1]
    assert len(api.requests) == 3


@pytest.mark.parametrize("trouble", ["500", "429", "truncated", "cut", "hang up", "silent"])
def test_what_does_not_pass_is_given_up(
    api: Any, make: Make, season: list[dict[str, Any]], trouble: str
) -> None:
    """Fault 3: an outage of hours."""
    api.script = [trouble] * 9
    with pytest.raises(SourceUnavailable, match="jolpica"):
        make(timeout=0.2).results(2026, 1)
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    "answer",
    ["400", "401", "403", "404", "405", "html", "html as json", "{}", "[]", '{"MRData": "closed"}', "null"],
)
def test_a_refusal_is_not_asked_again(
    api: Any, make: Make, season: list[dict[str, Any]], answer: str
) -> None:
    """Fault 15: a source closes, or answers with something else than its JSON."""
    api.script = [answer]
    with pytest.raises(SourceRefused, match=r"jolpica.*/2026/1/results/"):
        make().results(2026, 1)
    assert len(api.requests) == 1


def test_nobody_listening(make: Make, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"jolpica: schedule of 2026: 127.0.0.1 cannot be reached"):
        make(url="http://127.0.0.1:1", waits=()).schedule(2026)


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
    api: Any, make: Make, season: list[dict[str, Any]], form: str
) -> None:
    """Fault 1: nothing is asked before the time that the source named, and then the run goes on."""
    at = datetime.now(UTC) + timedelta(seconds=600)
    api.script = ["429 600" if form == "seconds" else "429 " + format_datetime(at, usegmt=True)]
    with pytest.raises(SourceBusy, match=r"429 .* asks to be left alone until 20") as caught:
        make().results(2026, 1)
    assert abs(caught.value.retry_at - at) < timedelta(seconds=5)
    with pytest.raises(BudgetExhausted, match="the source asked to be left alone until") as later:
        make().results(2026, 1)
    assert later.value.retry_at == caught.value.retry_at
    assert len(api.requests) == 1
    make()._budget.close_until(datetime.now(UTC))
    assert make().results(2026, 1).items == season[:1]


def test_a_wait_demanded_after_the_last_attempt_is_told(api: Any, make: Make) -> None:
    api.script = ["429 30"]
    with pytest.raises(SourceBusy):
        make(waits=()).results(2026, 1)


def test_the_longest_wait_is_a_setting(api: Any, make: Make, season: list[dict[str, Any]]) -> None:
    api.script = ["429 1"]
    with pytest.raises(SourceBusy):
        make(longest=0.5).results(2026, 1)


@pytest.mark.parametrize("kind", [SourceBusy, BudgetExhausted])
def test_errors_with_a_time_survive_another_process(kind: type[SourceBusy]) -> None:
    copy = pickle.loads(pickle.dumps(kind("why", NOW)))  # noqa: S301
    assert (type(copy), str(copy), copy.retry_at) == (kind, "why", NOW)


# --- budget ----------------------------------------------------------------------------------------------


def test_the_run_stops_cleanly_when_the_hour_is_used_up_and_goes_on_where_it_was(
    api: Any, make: Make, season: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 1: our own limit, lower than the source's. Two pages fit into it, the third one waits."""
    client = make(per_hour=2)
    with pytest.raises(BudgetExhausted, match="jolpica: 2 requests in the last hour") as caught:
        client.results(2026)
    wait = caught.value.retry_at - datetime.now(UTC)
    assert timedelta(minutes=59) < wait <= timedelta(hours=1, seconds=1)
    assert client.used() == 2
    assert len(api.requests) == 2
    raised = make(per_hour=10)
    assert raised.results(2026).items == season


def test_retries_count(api: Any, make: Make) -> None:
    api.script = ["500", "500", "good"]
    client = make()
    client.results(2026, 1)
    assert client.used() == 3


# --- cache -----------------------------------------------------------------------------------------------


def test_a_fresh_answer_costs_nothing_also_in_another_process(
    api: Any, make: Make, season: list[dict[str, Any]]
) -> None:
    first = make().results(2026)
    client = make()
    again = client.results(2026)
    assert again == first
    assert len(api.requests) == client.used() == 3


@pytest.mark.parametrize(
    "marks",
    [
        ({"ETag": '"1"'}, {"ETag": '"2"'}),
        (
            {"Last-Modified": "Sun, 08 Mar 2026 12:00:00 GMT"},
            {"Last-Modified": "Sun, 08 Mar 2026 13:00:00 GMT"},
        ),
        ({}, {}),
    ],
    ids=["etag", "date", "nothing"],
)
def test_force_asks_again(
    api: Any, make: Make, season: list[dict[str, Any]], marks: tuple[dict[str, str], dict[str, str]]
) -> None:
    before, after = marks
    api.headers = before
    client = make()
    first = client.results(2026, 1)
    again = client.results(2026, 1, force=True)
    assert again.items == first.items
    assert again.confirmed_at > first.confirmed_at
    assert api.statuses == [200, 304 if before else 200]
    assert client.used() == 2
    season[0]["Results"][0]["points"] = "0"
    api.headers = after
    assert client.results(2026, 1, force=True).items == season[:1]
    assert client.results(2026, 1).items == season[:1]
    assert client.used() == 3


def test_an_expired_answer_is_revalidated_and_fresh_again(
    api: Any, make: Make, season: list[dict[str, Any]]
) -> None:
    api.headers = {"ETag": '"1"', "Cache-Control": "max-age=0"}
    client = make()
    first = client.results(2026, 1)
    api.headers["Cache-Control"] = "max-age=100"
    again = client.results(2026, 1)
    kept = client.results(2026, 1)
    assert first.items == again.items == kept.items == season[:1]
    assert api.statuses == [200, 304]
    assert first.confirmed_at < again.confirmed_at == kept.confirmed_at


def test_an_answer_is_kept_as_long_as_it_says_and_else_for_the_time_given(api: Any, make: Make) -> None:
    client = make(expire_after=0.0)
    client.results(2026, 1)
    client.results(2026, 1)
    assert len(api.requests) == 2
    api.headers = {"Cache-Control": "max-age=100"}
    client.results(2026, 1)
    client.results(2026, 1)
    assert len(api.requests) == 3
    api.headers = {"Cache-Control": "no-store"}
    client.results(2026, 2)
    client.results(2026, 2)
    assert len(api.requests) == 5


@pytest.mark.parametrize("trouble", ["500", "404", "html", "truncated", "cut", "{}", "hang up"])
def test_only_good_answers_are_kept_and_the_last_one_stays(
    api: Any, make: Make, season: list[dict[str, Any]], trouble: str
) -> None:
    """Fault 3: after an outage the copy from before is still the one that counts."""
    client = make(waits=())
    api.script = [trouble]
    with pytest.raises((SourceUnavailable, SourceRefused)):
        client.results(2026, 1)
    good = client.results(2026, 1)
    assert len(api.requests) == 2
    api.script = [trouble]
    with pytest.raises((SourceUnavailable, SourceRefused)):
        client.results(2026, 1, force=True)
    assert client.results(2026, 1) == good
    assert len(api.requests) == 3


def test_a_damaged_cache_is_named(make: Make, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "jolpica.sqlite").write_bytes(b"no database " * 500)
    with pytest.raises(SourceUnavailable, match=r"the cache .*jolpica.sqlite cannot be used"):
        make()


def test_a_cache_that_cannot_be_written_is_named(make: Make, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in its place")
    with pytest.raises(SourceUnavailable, match="cannot be used"):
        make()


def test_a_cache_that_breaks_later_is_named(
    make: Make, season: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make()

    def broken(*_: Any, **__: Any) -> None:
        raise sqlite3.DatabaseError("disk image is malformed")

    monkeypatch.setattr(client._session, "get", broken)
    with pytest.raises(SourceUnavailable, match=r"results of 2026 round 1: the cache .* malformed"):
        client.results(2026, 1)


# --- settings --------------------------------------------------------------------------------------------


def test_the_client_comes_from_the_settings(api: Any, season: list[dict[str, Any]], tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path,
        jolpica_enabled=True,
        jolpica_url=api.url + "/",
        jolpica_per_hour=1,
        http_retry_seconds="",
    )
    client = jolpica(settings)
    assert client is not None
    with client:
        assert client.results(2026, 1).items == season[:1]
        assert jolpica_budget(settings).used() == 1
        with pytest.raises(BudgetExhausted):
            client.results(2026, 2)
    assert {path.name for path in tmp_path.iterdir()} == {"http-cache", "limits"}


def test_the_source_can_be_turned_off(tmp_path: Path) -> None:
    assert jolpica(Settings(home=tmp_path, jolpica_enabled=False)) is None
    assert list(tmp_path.iterdir()) == []
