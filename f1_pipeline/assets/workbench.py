"""What model and prediction assets of a horizon work on, read once per run."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline.forecasting.history import History, build_history
from f1_pipeline.forecasting.training import labelled, trained_for, training_hash, training_set, with_clock
from f1_pipeline.settings import Settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.decisions import promoted_after
from f1_pipeline.storage.upcoming import calendar_now


@dataclass(frozen=True)
class Workbench:
    """``matrix``: feature rows with ``order`` and ``season``; ``rows``: those of starters, with the outcome;
    ``trained_for``: the race whose version forecasts a race; ``finished``: races with a result; ``upcoming``: the race that is
    next, if the calendar has one."""

    horizon: str
    history: History
    matrix: pd.DataFrame
    rows: pd.DataFrame
    trained_for: dict[str, str]
    finished: frozenset[str]
    upcoming: str | None
    hashes: dict[tuple[str, int], str] = field(default_factory=dict, repr=False)

    @cached_property
    def _orders(self) -> dict[str, int]:
        races = self.history.races
        return dict(zip(races["race_key"], races["order"].tolist(), strict=True))

    def order(self, race_key: str) -> int:
        """Place of a race in the calendar."""
        return self._orders[race_key]

    @property
    def serving(self) -> str | None:
        """The race whose version forecasts the upcoming one."""
        return None if self.upcoming is None else self.trained_for.get(self.upcoming)

    def training(self, race_key: str, settings: Settings) -> pd.DataFrame:
        """Everything a model for the race may learn from."""
        return training_set(self.rows, self.order(race_key), settings.train_from_season)

    def training_hash(self, race_key: str, settings: Settings) -> str:
        """Hash of ``training``. All models of a horizon learn from the same rows: one of them computes it."""
        key = (race_key, settings.train_from_season)
        if key not in self.hashes:
            self.hashes[key] = training_hash(self.training(race_key, settings), self.horizon)
        return self.hashes[key]


class _Read(NamedTuple):
    """What steps of a run share: fields of the :class:`Workbench` of each."""

    history: History
    matrix: pd.DataFrame
    rows: pd.DataFrame
    upcoming: str | None
    hashes: dict[tuple[str, int], str]


_read: dict[tuple[str, str, str], _Read] = {}
"""What the steps of the newest run have read, by run, database and horizon."""


def open_workbench(engine: Engine, horizon: str, settings: Settings, run_id: str | None = None) -> Workbench:
    """Read history and features of a horizon, and which race is next.

    ``run_id``: the steps of one Dagster run that a process does share what the first of them has read. All of them stand on
    the features of the horizon, so nothing they read is written in between; and where a race is given up as overdue meanwhile,
    they still agree on the next one. Reading takes a second, and an update has a dozen such steps.
    """
    if run_id is None:
        read = _read_all(engine, horizon)
    else:
        key = (run_id, str(engine.url), horizon)
        if key not in _read:
            for old in [known for known in _read if known[0] != run_id]:
                del _read[old]
            _read[key] = _read_all(engine, horizon)
        read = _read[key]
    finished = frozenset(read.history.starters["race_key"].unique())
    return Workbench(
        horizon=horizon,
        trained_for=trained_for(
            _known(read.history, finished, read.upcoming),
            settings.retrain_recent_seasons,
            settings.retrain_recent,
            settings.retrain_before,
            promoted_after(engine, horizon),
        ),
        finished=finished,
        **read._asdict(),
    )


def _read_all(engine: Engine, horizon: str) -> _Read:
    history = build_history(reads.read_history_tables(engine))
    matrix = with_clock(reads.read_table(engine, schema.feature_matrix, horizon=horizon), history)
    ordered = matrix.sort_values(["order", "driver_id"], kind="stable").reset_index(drop=True)
    return _Read(history, ordered, labelled(matrix, history), calendar_now(engine).upcoming, {})


def _known(history: History, finished: frozenset[str], upcoming: str | None) -> pd.DataFrame:
    # "The newest seasons" are those that were raced: next year's calendar must not make this year old.
    known = history.races["race_key"].isin([*finished, upcoming])
    last = history.races.loc[known, "order"].max() if known.any() else 0
    return history.races[history.races["order"] <= last][["race_key", "season"]]
