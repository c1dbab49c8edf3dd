"""The simulated world of the tests of features."""

from __future__ import annotations

import pytest

from f1_pipeline.sources.simulated import simulate
from tests.forecasting.features.worlds import Tables, with_forecasts


@pytest.fixture(scope="session")
def world() -> Tables:
    return with_forecasts(simulate(2, 7).bundle.tables)
