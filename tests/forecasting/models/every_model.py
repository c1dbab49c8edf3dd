"""Every model and baseline at each horizon, as parameters of tests."""

import pytest

from f1_pipeline.domain.vocabulary import HORIZONS
from f1_pipeline.forecasting.models import MODELS, baselines

ALL = [(name, horizon) for horizon in HORIZONS for name in (*MODELS, *baselines(horizon))]
every = pytest.mark.parametrize(("name", "horizon"), ALL, ids=lambda value: value)
every_trained = pytest.mark.parametrize(
    ("name", "horizon"), [(name, horizon) for horizon in HORIZONS for name in MODELS], ids=lambda value: value
)
