"""What the tables of quality say: scores, comparisons and reliability over periods of seasons."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from f1_pipeline.forecasting.scoring.calibration import CALIBRATION, calibration_errors, reliability_table
from f1_pipeline.forecasting.scoring.summaries import paired_differences, score_means

OPEN_PERIODS = {"all": 0, "2014+": 2014, "2022+": 2022}
"""Periods without an end, by their first season: everything, the hybrid engines, the ground-effect cars."""


def periods(seasons: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    """Name of each period and which rows are in it: the open ones, then each season."""
    for name, first in OPEN_PERIODS.items():
        yield name, seasons >= first
    for season in sorted(set(seasons.tolist())):
        yield str(season), seasons == season


def quality_tables(accuracy: pd.DataFrame, pairs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of ``accuracy_summaries``, ``paired_differences`` and ``reliability``, but for the time of computing.

    Args:
        accuracy: rows of ``model_accuracy``.
        pairs: forecasts and outcomes as ``outcome_pairs`` gives them, of the same races.
    """
    season, season_of_pair = (_season(frame) for frame in (accuracy, pairs))
    parts: dict[str, list[pd.DataFrame]] = {
        "accuracy_summaries": [],
        "paired_differences": [],
        "reliability": [],
    }
    in_period = dict(periods(season_of_pair))
    for period, chosen in periods(season):
        scores = accuracy[chosen]
        found = pairs[in_period[period]] if period in in_period else pairs.head(0)
        errors = [
            calibration_errors(found, even=even).assign(score=name) for name, even in CALIBRATION.items()
        ]
        for name, frame in (
            ("accuracy_summaries", score_means(scores, ["horizon", "model"])),
            *(("accuracy_summaries", frame) for frame in errors),
            (
                "paired_differences",
                paired_differences(scores).drop(columns=["log_loss", "reference_log_loss"]),
            ),
            ("reliability", reliability_table(found)),
        ):
            if len(frame):
                parts[name].append(frame.assign(period=period))
    return {
        name: pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
        for name, frames in parts.items()
    }


def _season(frame: pd.DataFrame) -> pd.Series:
    return frame["race_key"].str[:4].astype("int64")
