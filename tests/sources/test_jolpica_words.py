"""Words of the Ergast format: nothing in all its spellings, times, outcomes and reasons."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1_pipeline.sources.jolpica import words

SETTINGS = settings(max_examples=100, deadline=None, derandomize=True)


@pytest.mark.parametrize("nothing", ["", " ", "-", "None", "\\N", None])
def test_there_are_many_words_for_nothing(nothing: str | None) -> None:
    """Fault 13: empty fields, "-" positions, missing times; and Python's None, written out."""
    assert words.text(nothing) is None
    assert words.whole(nothing) is None
    assert words.number(nothing) is None
    assert words.milliseconds(nothing) is None
    assert words.gap(nothing) is None
    assert words.moment("2026-03-08", nothing) is None


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1:25:33.607", 5_133_607),
        ("+5.155", 5_155),
        ("+1:07.667", 67_667),
        ("+1:02:03.004", 3_723_004),
        ("1:04.391", 64_391),
        ("58.79", 58_790),
        ("5.1", 5_100),
        ("1:05", 65_000),
    ],
)
def test_times(text: str, ms: int) -> None:
    assert words.milliseconds(text) == ms


@SETTINGS
@given(ms=st.integers(0, 5 * 3_600_000))
def test_a_written_time_is_read_back(ms: int) -> None:
    seconds, fraction = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    long = f"{hours}:{minutes:02}:{seconds:02}.{fraction:03}"
    short = long.removeprefix("0:") if hours == 0 else long
    assert words.milliseconds(long) == words.milliseconds(short) == words.gap(f"+{long}") == ms


@pytest.mark.parametrize("text", ["1:2:3:4", "five", "1.2345", "+1 Lap", "1:25.", "-5.1"])
def test_what_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        words.milliseconds(text)


@pytest.mark.parametrize(
    ("position_text", "status", "expected"),
    [
        ("7", "Finished", "7"),
        ("17", "Collision", "17"),
        ("R", "Engine", "DNF"),
        ("R", "Retired", "DNF"),
        ("R", "+8 Laps", "NC"),
        ("R", "Lapped", "NC"),
        ("R", "Not classified", "NC"),
        ("N", "+8 Laps", "NC"),
        ("W", "Did not start", "DNS"),
        ("D", "Disqualified", "DSQ"),
        ("20", "Disqualified", "DSQ"),
        ("F", "Did not qualify", "DNQ"),
        ("F", "Did not prequalify", "DNPQ"),
        ("E", "Excluded", "EX"),
        (None, None, None),
    ],
)
def test_outcomes(position_text: str | None, status: str | None, expected: str | None) -> None:
    assert words.outcome(position_text, status) == expected


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("Engine", "Engine"),
        ("Retired", None),
        ("Finished", None),
        ("+1 Lap", None),
        ("Lapped", None),
        (None, None),
    ],
)
def test_reasons(status: str | None, reason: str | None) -> None:
    assert words.reason(status) == reason
