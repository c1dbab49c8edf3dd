"""Rows for the pages on accuracy and data, added to the small database: stored means, versions, questions, decisions."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from sqlalchemy import Table, create_engine, insert, select

from f1_pipeline.storage import schema

AT = dt.datetime(2026, 5, 4, 8, tzinfo=dt.UTC)
KEY = "2026-testland"


def _mean(period: str, model: str, score: str, mean: float) -> dict[str, Any]:
    return {
        "period": period,
        "horizon": "pre_race",
        "model": model,
        "score": score,
        "races": 3,
        "mean": mean,
        "low": mean - 0.1,
        "high": mean + 0.1,
        "computed_at": AT,
    }


def _difference(model: str, reference: str, difference: float) -> dict[str, Any]:
    return {
        "period": "all",
        "horizon": "pre_race",
        "model": model,
        "reference": reference,
        "races": 3,
        "difference": difference,
        "low": difference - 0.2,
        "high": difference + 0.2,
        "computed_at": AT,
    }


def _bin(number: int, count: int, forecast: float, observed: float) -> dict[str, Any]:
    return {
        "period": "all",
        "horizon": "pre_race",
        "model": "ensemble",
        "outcome": "win",
        "bin": number,
        "count": count,
        "forecast": forecast,
        "observed": observed,
        "low": observed - 0.05,
        "high": observed + 0.05,
        "computed_at": AT,
    }


def result(driver: str, position: int, points: float, display_order: int | None = None) -> dict[str, Any]:
    """A row of a version of results."""
    return {
        "display_order": display_order or position,
        "driver_id": driver,
        "constructor_id": "comet",
        "position": position,
        "points": points,
        "shared_car": False,
    }


FIRST = [result("ada-arrow", 1, 25.0), result("bo-brake", 2, 18.0), result("cy-camber", 3, 15.0)]
SECOND = [result("bo-brake", 1, 25.0), result("ada-arrow", 2, 18.0)]


def _version(rows: list[dict[str, Any]], release: str, day: int, key: str = KEY) -> dict[str, Any]:
    return {
        "race_key": key,
        "table_name": "race_results",
        "content_hash": release,
        "source": "f1db",
        "release": release,
        "seen_at": dt.datetime(2026, 5, day, 9, tzinfo=dt.UTC),
        "row_count": len(rows),
        "rows": json.dumps(rows),
    }


def rows() -> dict[Table, list[dict[str, Any]]]:
    """What is added, by table."""
    return {
        schema.accuracy_summaries: [
            _mean("all", "ensemble", "log_loss", 1.073),
            _mean("all", "uniform", "log_loss", 1.792),
            _mean("2026", "ensemble", "log_loss", 1.151),
            _mean("2026+", "ensemble", "log_loss", 1.152),
            _mean("all", "ensemble", "calibration_error", 0.0123),
            _mean("all", "market", "log_loss", 0.9),
        ],
        schema.paired_differences: [
            _difference("ensemble", "uniform", -0.719),
            _difference("elo", "uniform", -0.5),
            _difference("elo", "ensemble", 0.219),
            _difference("ensemble", "market", 0.2),
        ],
        schema.reliability: [_bin(0, 12, 0.05, 0.06), _bin(4, 3, 0.4, 0.5)],
        schema.sprint_accuracy: [
            {
                "race_key": key,
                "horizon": "pre_sprint",
                "model": "rating",
                "starters": 6,
                "log_loss": loss,
                "brier": 0.5,
                "podium_log_loss": 0.4,
                "top3_accuracy": 1.0,
                "spearman": None,
                "rank_error": 1.0,
                "winner_correct": True,
                "winner_probability": 0.5,
                "predicted_winner": "ada-arrow",
                "actual_winner": "ada-arrow",
                "result_hash": "hash",
                "scored_at": AT,
            }
            for key, loss in (("2025-testland", 1.0), (KEY, 2.0))
        ],
        schema.revisions: [
            _version(FIRST, "v2026.4", 4),
            _version(SECOND, "v2026.5", 12),
            _version(FIRST, "v2026.4", 4, key="2026-alphaville"),
        ],
        schema.source_polls: [
            {"source": "jolpica", "subject": "2026 calendar", "asked_at": AT, "outcome": "same"},
            {
                "source": "jolpica",
                "subject": "2026-testland race",
                "asked_at": AT + dt.timedelta(hours=1),
                "outcome": "refused",
                "check_name": "content",
                "message": "position 3 is there twice",
            },
        ],
        schema.weather_forecasts: [
            {
                "race_key": "2026-betatown",
                "session": "R",
                "provider": "open-meteo",
                "issued_at": AT,
                "temperature_c": 21.5,
                "valid_from": AT,
                "valid_until": AT,
            }
        ],
        schema.market_odds: [
            {
                "race_key": KEY,
                "driver_id": "ada-arrow",
                "source": "bookie",
                "taken_at": AT,
                "decimal_odds": 2.5,
                "imported_at": AT,
            }
        ],
        schema.model_decisions: [
            {
                "name": "elo",
                "horizon": "pre_weekend",
                "challenger_version": 8,
                "champion_version": 7,
                "hyperparameters": {"penalty": 2.0},
                "recipe": 1,
                "promoted": True,
                "races": 40,
                "difference": -0.05,
                "low": -0.08,
                "high": -0.02,
                "reason": "better on the same races",
                "decided_at": AT,
            }
        ],
    }


def add(file: Path) -> None:
    """Add the rows to a database, and the market's score of one race."""
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        for table, values in rows().items():
            for value in values:
                connection.execute(insert(table), value)
        score = schema.model_accuracy
        found = (
            connection.execute(
                select(score).where(
                    score.c.race_key == KEY, score.c.horizon == "pre_race", score.c.model == "elo"
                )
            )
            .mappings()
            .one()
        )
        connection.execute(insert(score), {**found, "model": "market", "model_version": 0, "log_loss": 0.9})
    engine.dispose()
