"""How good forecasts were: scores of a race, their means over races with intervals, calibration."""

from f1_pipeline.forecasting.scoring.calibration import (
    CALIBRATION,
    OUTCOMES,
    calibration_errors,
    chance_errors,
    outcome_pairs,
    reliability_table,
)
from f1_pipeline.forecasting.scoring.quality import OPEN_PERIODS, quality_tables
from f1_pipeline.forecasting.scoring.races import log_loss, over_starters, score_race, score_races
from f1_pipeline.forecasting.scoring.summaries import (
    SUMMARY,
    bootstrap_mean,
    paired_differences,
    references,
    score_means,
    summarise,
)

__all__ = [
    "CALIBRATION",
    "OPEN_PERIODS",
    "OUTCOMES",
    "SUMMARY",
    "bootstrap_mean",
    "calibration_errors",
    "chance_errors",
    "log_loss",
    "outcome_pairs",
    "over_starters",
    "paired_differences",
    "quality_tables",
    "references",
    "reliability_table",
    "score_means",
    "score_race",
    "score_races",
    "summarise",
]
