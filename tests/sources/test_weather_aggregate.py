"""From hours to a session: means, sums, holes, and what counts as wet; and the laws of the canonical row."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.weather import (
    WINDOWS,
    Conditions,
    Reading,
    WeatherRow,
    is_wet,
    make_row,
    rows_frame,
    summarise,
)
from f1_pipeline.storage import schema

START = dt.datetime(2026, 7, 26, 13, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
END = START + 2 * HOUR


def hours(first: int, *rain: float | None, **values: Any) -> list[Reading]:
    """Hours of the day from ``first`` on, each with the rain of the hour before it."""
    day = START.replace(hour=0)
    return [
        Reading(day + (first + at) * HOUR, HOUR, precipitation_mm=amount, **values)
        for at, amount in enumerate(rain)
    ]


def test_rain_is_of_the_hours_before_the_times_they_stand_at() -> None:
    # 13:00 is the hour before the start, 16:00 the one after the end.
    found = summarise(hours(12, 9.0, 9.0, 0.1, 0.4, 9.0), START, END)
    assert found.precipitation_mm == 0.5
    assert found.is_wet is True


def test_an_hour_that_lies_half_in_the_window_counts_by_half() -> None:
    start = START + HOUR / 2
    assert (
        summarise(hours(13, 9.0, 1.0, 2.0, 4.0), start, start + 2 * HOUR).precipitation_mm == 0.5 + 2.0 + 2.0
    )


def test_three_hours_count_in_proportion() -> None:
    day = START.replace(hour=0)
    blocks = [
        Reading(day + 15 * HOUR, 3 * HOUR, 20.0, precipitation_mm=0.9, precipitation_probability=0.3),
        Reading(day + 18 * HOUR, 3 * HOUR, 26.0, precipitation_mm=3.0, precipitation_probability=0.8),
    ]
    found = summarise(blocks, START, END)  # 13 to 15, both in the first block
    assert found.precipitation_mm == pytest.approx(0.6)
    assert (found.precipitation_probability, found.temperature_c) == (0.3, 20.0)
    found = summarise(blocks, START + HOUR, END + HOUR)  # an hour of each
    assert found.precipitation_mm == pytest.approx(0.3 + 1.0)
    assert found.precipitation_probability == 0.8


@pytest.mark.parametrize("rain", [(None, 0.4), (0.4, None), (None, None)])
def test_a_sum_with_a_hole_in_it_is_missing(rain: tuple[float | None, ...]) -> None:
    found = summarise(hours(14, *rain), START, END)
    assert (found.precipitation_mm, found.is_wet) == (None, None)


def test_a_window_that_the_series_does_not_reach_is_missing() -> None:
    assert not summarise(hours(8, 0.0, 0.0, 0.0), START, END).known
    assert summarise(hours(8, *[0.0] * 7), START, END).precipitation_mm is None, "it ends at 14:00"
    assert not summarise([], START, END).known


def test_temperature_and_wind_are_means_within_the_window() -> None:
    day = START.replace(hour=0)
    values = [(12, 1.0), (13, 20.0), (14, 22.0), (15, 27.0), (16, 99.0)]
    readings = [Reading(day + at * HOUR, HOUR, value, wind_kmh=value / 2) for at, value in values]
    found = summarise(readings, START, END)
    assert (found.temperature_c, found.wind_kmh) == (23.0, 11.5)
    assert (found.precipitation_mm, found.precipitation_probability, found.is_wet) == (None, None, None)


def test_of_a_coarse_series_the_nearest_value_counts() -> None:
    day, half = START.replace(hour=0), HOUR / 2
    readings = [Reading(day + at * HOUR, 3 * HOUR, float(at)) for at in (9, 12, 15, 18)]
    # 12:10 to 14:10 holds no value: 12:00 is 70 minutes from its middle, 15:00 is 110.
    start = START - HOUR + dt.timedelta(minutes=10)
    assert summarise(readings, start, start + 2 * HOUR).temperature_c == 12.0
    assert summarise(readings[:1], START, END).temperature_c is None, "four hours before is not near"
    assert summarise(readings, START - half, END - half).temperature_c in (12.0, 15.0)


@pytest.mark.parametrize(
    ("rain", "wet"), [(None, None), (0.0, False), (0.29, False), (0.3, True), (8.2, True)]
)
def test_what_counts_as_wet(rain: float | None, wet: bool | None) -> None:
    assert is_wet(rain) is wet


@given(
    st.lists(st.floats(0, 20), min_size=6, max_size=6),
    st.integers(0, 59),
    st.randoms(use_true_random=False),
)
def test_order_and_doubles_do_not_matter_and_the_sum_is_bounded(
    rain: list[float], minute: int, random: Any
) -> None:
    readings = hours(12, *rain, temperature_c=20.0)
    start = START + dt.timedelta(minutes=minute)
    found = summarise(readings, start, start + 2 * HOUR)
    mixed = [*readings, *readings[:2]]
    random.shuffle(mixed)
    assert summarise(mixed, start, start + 2 * HOUR) == found
    assert found.precipitation_mm is not None
    assert 0 <= found.precipitation_mm <= sum(rain) + 1e-5
    inside = summarise(readings, start, start + HOUR).precipitation_mm
    after = summarise(readings, start + HOUR, start + 2 * HOUR).precipitation_mm
    assert inside is not None
    assert after is not None
    assert inside + after == pytest.approx(found.precipitation_mm, abs=1e-5), "windows that meet add up"


# --- the canonical row -----------------------------------------------------------------------------------

DRY = Conditions(21.0, 0.0, 0.1, 12.0, is_wet=False)


def row(conditions: Conditions = DRY, kind: Any = "forecast", issued: dt.timedelta = -HOUR) -> WeatherRow:
    return make_row("2026-hungary", "R", "open-meteo", kind, conditions, START, START + issued)


def test_a_row_holds_the_window_in_utc() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    made = make_row(
        "2026-hungary",
        "Q",
        "open-meteo",
        "forecast",
        DRY,
        START.astimezone(zone),
        (START - HOUR).astimezone(zone),
    )
    assert (made.valid_from, made.valid_until) == (START, START + WINDOWS["Q"])
    assert made.valid_from.tzinfo is dt.UTC
    assert made.issued_at == START - HOUR


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature_c", 286.8),  # kelvins
        ("temperature_c", float("nan")),
        ("precipitation_mm", -0.1),
        ("precipitation_probability", 28.0),  # per cent
        ("wind_kmh", -1.0),
    ],
)
def test_an_impossible_value_is_refused_by_name(field: str, value: float) -> None:
    wet = value >= 0.3 if field == "precipitation_mm" else False
    conditions = Conditions(**{**vars(DRY), field: value, "is_wet": wet})
    with pytest.raises(
        ContractViolation, match=rf"open-meteo: race 2026-hungary, session R, field {field}: .*got"
    ):
        row(conditions)


def test_a_forecast_is_taken_before_and_an_observation_after() -> None:
    for issued in (dt.timedelta(0), HOUR):
        with pytest.raises(ContractViolation, match="before its window begins"):
            row(issued=issued)
    assert row(kind="observed", issued=2 * HOUR).kind == "observed"
    for issued in (-HOUR, HOUR):
        with pytest.raises(ContractViolation, match="not known before the window has ended"):
            row(kind="observed", issued=issued)


def test_wet_follows_from_the_rain() -> None:
    with pytest.raises(ContractViolation, match="is_wet does not follow"):
        row(Conditions(21.0, 1.0, None, None, is_wet=False))


def test_missing_values_stay_missing_in_a_frame() -> None:
    frame = rows_frame([row(), row(Conditions(None, None, None, 3.0, is_wet=None))])
    assert not frame["is_wet"].tolist()[0]
    assert frame.loc[1, ["temperature_c", "precipitation_mm", "is_wet"]].isna().all()
    assert str(frame["issued_at"].dtype) == "datetime64[us, UTC]"
    empty = rows_frame([])
    pd.testing.assert_series_equal(empty.dtypes, frame.dtypes)


def test_the_tables_have_the_columns_of_a_row() -> None:
    for table in (schema.weather_forecasts, schema.weather_observed):
        assert {column.name for column in table.columns} == set(WeatherRow.model_fields) - {"kind"}
