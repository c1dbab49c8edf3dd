"""Weather features: of the newest forecast before the cutoff, and never of what came after it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.errors import LeakError
from f1_pipeline.forecasting import asof
from f1_pipeline.forecasting.features import HORIZONS, matrix, names
from tests.forecasting.features.worlds import FORECASTS, WEATHER, Tables, compute

SUNDAY = pd.Timestamp("2026-07-26T13:00Z")


def forecasts(*taken: tuple[float, float], race: str = "2026-hungary", moved: float = 0.0) -> pd.DataFrame:
    """(hours before the start, temperature) of each forecast, for a start ``moved`` hours from the present one."""
    return pd.DataFrame(
        {
            "race_key": race,
            "provider": "open-meteo",
            "issued_at": [SUNDAY - pd.Timedelta(hours=before) for before, _ in taken],
            "temperature_c": [value for _, value in taken],
            "precipitation_mm": 0.4,
            "wind_kmh": np.nan,
            "is_wet": 1.0,
            "valid_from": SUNDAY - pd.Timedelta(hours=moved),
        }
    )


def weather_of(frame: pd.DataFrame, cutoff: float) -> pd.DataFrame:
    """Weather features of two entries of the race and one of another, at a cutoff in hours before the start."""
    rows = pd.DataFrame({"race_key": ["2026-spain", "2026-hungary", "2026-hungary"]}, index=[4, 2, 9])
    races = pd.DataFrame(
        {"race_key": ["2026-hungary", "2026-spain"], "start_at": [SUNDAY, SUNDAY - pd.Timedelta(days=14)]}
    )
    moments = pd.Series(
        [SUNDAY - pd.Timedelta(hours=cutoff), SUNDAY], index=["2026-hungary", "2026-spain"], name="cutoff"
    )
    return matrix.weather.forecast_weather(rows, races, frame, moments)


def test_weather_is_that_of_the_newest_forecast_before_the_cutoff() -> None:
    frame = forecasts((72, 18.0), (60, 19.0), (20, 21.0), (1, 25.0), (-1, 99.0))
    for cutoff, expected in ((0.0, 25.0), (1.0, 21.0), (48.0, 19.0), (60.0, 18.0)):
        found = weather_of(frame.sample(frac=1, random_state=1), cutoff)
        assert found.index.tolist() == [4, 2, 9]
        np.testing.assert_array_equal(found["temperature_c"], [np.nan, expected, expected])
        np.testing.assert_array_equal(found["is_wet"], [np.nan, 1.0, 1.0])
        assert found["wind_kmh"].isna().all(), "missing is missing"
    assert weather_of(frame, 72.0).isna().all(axis=None), "no forecast before the cutoff, no weather"
    assert weather_of(frame.head(0), 0.0).isna().all(axis=None)
    assert weather_of(forecasts((72, 18.0), race="2026-unknown"), 0.0).isna().all(axis=None)


def test_weather_of_another_day_is_none_of_the_race() -> None:
    assert weather_of(forecasts((72, 18.0), moved=2), 0.0)["temperature_c"].notna().sum() == 2
    assert weather_of(forecasts((72, 18.0), moved=24 * 60), 0.0).isna().all(axis=None)


def test_of_two_services_at_one_time_the_choice_does_not_depend_on_the_order() -> None:
    frame = pd.concat(
        [forecasts((5, 30.0)).assign(provider="openweathermap"), forecasts((5, 20.0))], ignore_index=True
    )
    for rows in (frame, frame.iloc[::-1]):
        assert weather_of(rows, 0.0)["temperature_c"].tolist()[1:] == [20.0, 20.0]


def test_a_forecast_issued_after_the_cutoff_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(known: pd.DataFrame, moments: pd.Series, what: str) -> pd.DataFrame:
        return known.drop_duplicates("race_key", keep="last").set_index("race_key")

    monkeypatch.setattr(matrix.weather, "newest_before", careless)
    with pytest.raises(LeakError, match="the weather uses 1 values"):
        weather_of(forecasts((72, 18.0), (-1, 99.0)), 0.0)
    with pytest.raises(LeakError, match="the weather uses 1 values"):
        weather_of(forecasts((48, 18.0)), 48.0)


def test_newest_before_raises_when_a_late_row_comes_through() -> None:
    class Careless(pd.DataFrame):
        """A frame whose filter lets everything through."""

        @property
        def _constructor(self) -> Any:
            return Careless

        def __getitem__(self, key: Any) -> Any:
            return self if isinstance(key, pd.Series) else super().__getitem__(key)

    moments = pd.Series({"2026-hungary": SUNDAY})
    assert len(asof.newest_before(forecasts((1, 20.0)), moments, "it")) == 1
    with pytest.raises(LeakError, match="it uses 1 values"):
        asof.newest_before(Careless(forecasts((-1, 20.0))), moments, "it")


def test_what_was_observed_can_be_no_forecast(world: Tables) -> None:
    """Handed in as forecasts by mistake, observations are of a time after every cutoff, and nothing comes of them."""
    observed = world[FORECASTS].assign(
        issued_at=world[FORECASTS]["valid_from"] + pd.Timedelta(hours=2), temperature_c=99.0
    )
    _, _, found = compute({**world, FORECASTS: observed})
    for horizon in HORIZONS:
        assert found[horizon][WEATHER].isna().all(axis=None)


def test_no_model_sees_the_weather() -> None:
    for horizon in HORIZONS:
        for seen_by in ("classic", "order", "any model"):
            assert not set(WEATHER) & set(names(horizon, seen_by))
