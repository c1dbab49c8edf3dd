"""The client of the Ergast-compatible API: what it asks, and pages that become one answer (faults as numbered in their list)."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from f1_pipeline.errors import SourceRefused, SourceUnavailable
from tests.sources.ergast_parts import Make

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
def test_each_question_asks_once_for_the_largest_page(
    api: Any, make_client: Make, method: str, path: str
) -> None:
    client = make_client()
    for round_, where in ((None, "2026"), (3, "2026/3")):
        answer = getattr(client, method)(2026, round_)
        assert (answer.items, answer.rows) == ([], 0)
        assert api.requests.pop() == f"/{where}/{path}/?limit=100&offset=0"
    assert api.requests == []


def test_an_empty_answer_means_not_yet_and_is_no_error(api: Any, make_client: Make) -> None:
    """Fault 4: results come late, and an unknown round is answered with 200 and nothing."""
    assert make_client().results(2026, 99).items == []
    assert api.statuses == [200]


# --- pages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [100, 30, 7])
def test_pages_are_asked_for_up_to_the_total_and_joined(
    api: Any, make_client: Make, season: list[dict[str, Any]], page: int
) -> None:
    """Fault 2: a page is cut to 100 rows, or to any other number, in the middle of a race."""
    api.page = page
    answer = make_client().results(2026)
    assert answer.items == season
    assert answer.rows == 239
    offsets = [int(line.split("offset=")[1]) for line in api.requests]
    assert offsets == list(range(0, 239, page))


def test_a_total_that_lies_is_named(api: Any, make_client: Make, season: list[dict[str, Any]]) -> None:
    """Fault 2: rows are compared with the count."""
    api.total = 240
    with pytest.raises(
        SourceUnavailable, match=r"jolpica: results of 2026: 239 rows came, but .* there are 240"
    ):
        make_client().results(2026)
    api.total = 101
    with pytest.raises(SourceUnavailable, match=r"200 rows came, but .* there are 101"):
        make_client().results(2026, force=True)


def test_an_answer_that_changes_between_two_pages_is_named(
    api: Any, make_client: Make, season: list[dict[str, Any]]
) -> None:
    answer = api.answer

    def growing(handler: Any) -> None:
        api.total = 239 if "offset=0" in handler.path else 240
        answer(handler)

    api.answer = growing
    with pytest.raises(SourceUnavailable, match="the total went from 239 to 240 rows between two pages"):
        make_client().results(2026)


def test_kept_pages_that_do_not_fit_are_asked_for_again(
    api: Any, make_client: Make, ergast: ModuleType, season: list[dict[str, Any]]
) -> None:
    """Half an answer is kept, the rest fails; until then the source has changed."""
    client = make_client(waits=())
    api.script = ["good", "500"]
    with pytest.raises(SourceUnavailable):
        client.results(2026)
    api.content["2026/results"] = season = [*season, ergast.result(2026, 13)]
    assert client.results(2026).items == season


def test_pages_of_two_moments_are_asked_for_again_even_if_they_fit(
    api: Any, make_client: Make, ergast: ModuleType, season: list[dict[str, Any]]
) -> None:
    client = make_client(waits=())
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
def test_another_shape_is_a_refusal(api: Any, make_client: Make, content: str, fault: str) -> None:
    """Fault 15: a source changes shape."""
    api.script = [content]
    with pytest.raises(SourceRefused, match=f"jolpica: results of 2026 round 1: .*{fault}"):
        make_client().results(2026, 1)
    assert len(api.requests) == 1


def test_races_that_nobody_asked_for_are_refused(
    api: Any, make_client: Make, season: list[dict[str, Any]]
) -> None:
    """Fault 15: an API that ignores the round."""
    api.content["2026/2/results"] = season
    with pytest.raises(SourceRefused, match="jolpica: results of 2026 round 2: got season 2026 round 1"):
        make_client().results(2026, 2)
