"""Answers that the client keeps: for how long, until when, and what is never kept; and its settings."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from f1_pipeline.errors import BudgetExhausted, SourceRefused, SourceUnavailable
from f1_pipeline.live import jolpica, jolpica_budget
from f1_pipeline.settings import Settings
from tests.sources.ergast_parts import Make

# --- cache -----------------------------------------------------------------------------------------------


def test_a_fresh_answer_costs_nothing_also_in_another_process(
    api: Any, make_client: Make, season: list[dict[str, Any]]
) -> None:
    first = make_client().results(2026)
    client = make_client()
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
    api: Any, make_client: Make, season: list[dict[str, Any]], marks: tuple[dict[str, str], dict[str, str]]
) -> None:
    before, after = marks
    api.headers = before
    client = make_client()
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
    api: Any, make_client: Make, season: list[dict[str, Any]]
) -> None:
    api.headers = {"ETag": '"1"', "Cache-Control": "max-age=0"}
    client = make_client()
    first = client.results(2026, 1)
    api.headers["Cache-Control"] = "max-age=100"
    again = client.results(2026, 1)
    kept = client.results(2026, 1)
    assert first.items == again.items == kept.items == season[:1]
    assert api.statuses == [200, 304]
    assert first.confirmed_at < again.confirmed_at == kept.confirmed_at


def test_an_answer_is_kept_as_long_as_it_says_and_else_for_the_time_given(
    api: Any, make_client: Make
) -> None:
    client = make_client(expire_after=0.0)
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
    api: Any, make_client: Make, season: list[dict[str, Any]], trouble: str
) -> None:
    """Fault 3: after an outage the copy from before is still the one that counts."""
    client = make_client(waits=())
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


def test_a_damaged_cache_is_named(make_client: Make, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "jolpica.sqlite").write_bytes(b"no database " * 500)
    with pytest.raises(SourceUnavailable, match=r"the cache .*jolpica.sqlite cannot be used"):
        make_client()


def test_a_cache_that_cannot_be_written_is_named(make_client: Make, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in its place")
    with pytest.raises(SourceUnavailable, match="cannot be used"):
        make_client()


def test_a_cache_that_breaks_later_is_named(
    make_client: Make, season: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client()

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
