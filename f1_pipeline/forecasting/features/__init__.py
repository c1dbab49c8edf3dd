"""Features: one row per entry and horizon, each value as it was known before the race."""

from f1_pipeline.domain.vocabulary import HORIZONS
from f1_pipeline.forecasting.features.catalogue import FEATURES, Feature, names
from f1_pipeline.forecasting.features.matrix import cutoffs, feature_matrix

__all__ = ["FEATURES", "HORIZONS", "Feature", "cutoffs", "feature_matrix", "names"]
