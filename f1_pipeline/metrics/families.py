"""Numbers as Prometheus wants them. Labels are names of horizons, sources, daemons and states: never a race or a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from f1_pipeline.metrics.runs import Runs
from f1_pipeline.storage.heartbeats import Heartbeat
from f1_pipeline.storage.observed import Observed


def gauge(name: str, about: str, label: str | None, values: Mapping[str, float | None]) -> Metric:
    """A family of numbers; those that are None do not exist."""
    family = GaugeMetricFamily(name, about, labels=[label] if label else [])
    for key, value in values.items():
        if value is not None:
            family.add_metric([key] if label else [], value)
    return family


def _age(now: datetime, moment: datetime | None) -> float | None:
    return None if moment is None else (now - moment).total_seconds()


def of_tables(observed: Observed, beats: Mapping[str, Heartbeat], now: datetime) -> Iterator[Metric]:
    """What the tables say; ``now`` on the clock of the system."""
    day = observed.newest_result
    single = {
        "f1_update_age_seconds": ("Since an update was completed last.", observed.updated_at),
        "f1_data_age_seconds": ("Since data were taken in last.", observed.loaded_at),
        "f1_newest_result_age_seconds": (
            "Since the day of the newest race with a result.",
            None if day is None else datetime.combine(day, time(), UTC),
        ),
    }
    for name, (about, moment) in single.items():
        yield gauge(name, about, None, {"": _age(now, moment)})
    forecasts, scores = observed.forecasts, observed.scores
    yield gauge(
        "f1_forecast_races",
        "Races that the shown model has forecast.",
        "horizon",
        {name: float(one.races) for name, one in forecasts.items()},
    )
    yield gauge(
        "f1_forecast_age_seconds",
        "Since the shown model forecast a race last.",
        "horizon",
        {name: _age(now, one.made_at) for name, one in forecasts.items()},
    )
    yield gauge(
        "f1_last_log_loss",
        "Log loss (nats) of the shown model on the newest race that is scored.",
        "horizon",
        {name: one.log_loss for name, one in scores.items()},
    )
    yield gauge(
        "f1_score_age_seconds",
        "Since that race was scored.",
        "horizon",
        {name: _age(now, one.scored_at) for name, one in scores.items()},
    )
    yield gauge(
        "f1_source_answer_age_seconds",
        "Since a web source gave an answer that could be used.",
        "source",
        {name: _age(now, moment) for name, moment in observed.answered_at.items()},
    )
    yield gauge(
        "f1_heartbeat_age_seconds",
        "Since the sign of life in the tables, which the dashboard goes by.",
        "name",
        {name: _age(now, one.beat_at) for name, one in beats.items()},
    )


def of_runs(runs: Runs, now: datetime) -> Iterator[Metric]:
    """What Dagster has on record."""
    yield gauge(
        "f1_runs_last_day",
        "Runs that ended in the last 24 hours, by how.",
        "state",
        {name: float(count) for name, count in runs.ended.items()},
    )
    yield gauge(
        "f1_runs_open",
        "Runs that wait or are under way.",
        "state",
        {name: float(count) for name, count in runs.unfinished.items()},
    )
    yield gauge(
        "f1_daemon_heartbeat_age_seconds",
        "Since each part of Dagster's daemon noted that it is alive.",
        "daemon",
        {name: _age(now, moment) for name, moment in runs.daemons.items()},
    )
