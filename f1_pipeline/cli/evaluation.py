"""What ``f1 evaluate`` prints: computed from the rows, so that any window of seasons works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline.cli.output import TableOrJson, print_json, print_table, records
from f1_pipeline.cli.reports import check_choice, open_tables
from f1_pipeline.domain.vocabulary import ALL_MODELS, MARKET
from f1_pipeline.errors import NotReady
from f1_pipeline.settings import Settings
from f1_pipeline.storage import reads
from f1_pipeline.storage.scored import forecasts_and_starters

_SCORES = {
    "model": "model",
    "races": "races",
    "log_loss": "log loss",
    "log_loss_low": "low",
    "log_loss_high": "high",
    "brier": "Brier",
    "rps": "RPS",
    "calibration_error": "calib.",
    "winner_correct": "winner",
    "top3_accuracy": "top 3",
    "podium_log_loss": "podium",
    "retirement_log_loss": "retire",
    "spearman": "rank r",
}
"""Columns of the main table, as many as 120 characters hold; JSON has all. ``podium`` and ``retire`` are log losses."""


@dataclass(frozen=True)
class Window:
    """Scored races of some seasons: rows of ``model_accuracy`` at the horizons asked for, all models."""

    engine: Engine
    draws: int
    accuracy: pd.DataFrame

    def seasons(self) -> dict[str, int]:
        """First and last season that has a score."""
        seasons = self.accuracy["season"]
        return {"start_season": int(seasons.min()), "end_season": int(seasons.max())}

    def title(self) -> str:
        """``2014 to 2026``."""
        return " to ".join(map(str, self.seasons().values()))

    def pairs(self, model: str | None = None) -> pd.DataFrame:
        """Forecasts and outcomes of the window's races."""
        from f1_pipeline.forecasting.scoring import outcome_pairs

        races = sorted(set(self.accuracy["race_key"]))
        forecasts, starters = forecasts_and_starters(self.engine, self.draws, races)
        wanted = forecasts["horizon"].isin(set(self.accuracy["horizon"]))
        if model:
            wanted &= forecasts["model"] == model
        return outcome_pairs(forecasts[wanted], starters)


def read_window(settings: Settings, start: int, end: int, horizon: str | None, *models: str | None) -> Window:
    """Read the scores of some seasons; ``models`` are only checked.

    Raises:
        NotReady: there are none, or there is no such horizon or model.
    """
    for model in models:
        check_choice(horizon, model, (*ALL_MODELS, MARKET))
    engine = open_tables(settings)
    rows = reads.accuracy_between(engine, start, end, horizon=horizon)
    if rows.empty:
        raise NotReady(f"no scored forecasts in {start} to {end}")
    return Window(engine, settings.draws, rows)


def print_scores(window: Window, model: str | None, output: TableOrJson) -> None:
    """Print mean scores by horizon and model, and the comparison with the market where there are prices."""
    from f1_pipeline.forecasting.scoring import CALIBRATION, calibration_errors, summarise

    rows = window.accuracy[_is(window.accuracy, model)]
    if rows.empty:
        raise NotReady(f"no scored forecasts by {model} in {window.title()}")
    summary, pairs = summarise(rows, ["horizon", "model"]), window.pairs(model)
    for name, even in CALIBRATION.items():
        names = {"mean": name, "low": f"{name}_low", "high": f"{name}_high"}
        errors = calibration_errors(pairs, even=even).rename(columns=names).drop(columns="races")
        summary = summary.merge(errors, on=["horizon", "model"], how="left")
    summary = summary.sort_values(["horizon", "log_loss"], kind="stable")
    market = _differences(window, model, MARKET)
    if output is TableOrJson.json:
        found: dict[str, Any] = {**window.seasons(), "models": records(summary)}
        print_json({**found, "against_market": records(market)} if len(market) else found)
        return
    for horizon, rows in summary.groupby("horizon", sort=True):
        print_table(
            rows[list(_SCORES)].rename(columns=_SCORES).dropna(axis=1, how="all"),
            f"{horizon}, {window.title()}; log loss of the winner (nats) with 95 % interval, lower is better",
            percent=("winner", "top 3"),
        )
    if len(market):
        _print_differences(window, market, MARKET)


def print_differences(window: Window, model: str | None, against: str, output: TableOrJson) -> None:
    """Print the differences of log loss to one model, on the same races."""
    found = _differences(window, model, against)
    if found.empty:
        raise NotReady(f"no races in {window.title()} that {against} and {model or 'a model'} were scored on")
    if output is TableOrJson.json:
        print_json({**window.seasons(), "against": against, "models": records(found)})
    else:
        _print_differences(window, found, against)


def print_reliability(window: Window, model: str, output: TableOrJson) -> None:
    """Print the reliability of one model's probabilities."""
    from f1_pipeline.forecasting.scoring import reliability_table

    pairs = window.pairs(model)
    found = reliability_table(pairs).drop(columns="model")
    if found.empty:
        raise NotReady(f"no scored forecasts by {model} in {window.title()}")
    if output is TableOrJson.json:
        errors = records(_calibration(pairs))
        print_json({**window.seasons(), "model": model, "bins": records(found), "errors": errors})
        return
    shares = ("forecast", "observed", "low", "high")
    print_table(
        found,
        f"{model}, {window.title()}: mean forecast in each tenth, and the share that happened with 95 % interval",
        percent=shares,
    )
    print_table(
        _calibration(pairs).rename(columns={"chance_low": "from", "chance_high": "to"}),
        "Calibration error of win, and what chance alone would leave of it if the forecasts were true (mean, 95 %)",
    )


def _calibration(pairs: pd.DataFrame) -> pd.DataFrame:
    """Calibration errors of one model by horizon and bins, beside those that chance leaves."""
    from f1_pipeline.forecasting.scoring import CALIBRATION, calibration_errors, chance_errors

    parts = []
    for even in CALIBRATION.values():
        found, chance = calibration_errors(pairs, even=even), chance_errors(pairs, even=even)
        parts.append(
            found[["horizon", "races"]].assign(
                bins="even" if even else "equal",
                error=found["mean"],
                chance=chance["mean"],
                chance_low=chance["low"],
                chance_high=chance["high"],
            )
        )
    return pd.concat(parts, ignore_index=True)


def _is(rows: pd.DataFrame, model: str | None) -> pd.Series:
    return rows["model"].notna() if model is None else rows["model"] == model


def _differences(window: Window, model: str | None, against: str) -> pd.DataFrame:
    from f1_pipeline.forecasting.scoring import paired_differences

    found = paired_differences(window.accuracy, against)
    return found[_is(found, model)].sort_values(["horizon", "difference"], kind="stable")


def _print_differences(window: Window, rows: pd.DataFrame, against: str) -> None:
    shown = rows.drop(columns="reference").rename(
        columns={"log_loss": "log loss", "reference_log_loss": against}
    )
    print_table(
        shown,
        f"Log loss against {against} on the same races, {window.title()}; below 0 is better",
    )
