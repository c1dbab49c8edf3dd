"""Versions of a model: stored in MLflow, entered in the table, and which recipe the next one is made by.

The tables say what is in force; aliases and tags of MLflow follow them (``settle``). So a process that is killed
between the two leaves MLflow behind, and the next run of any model asset brings it up to date.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline import clock
from f1_pipeline.assets.workbench import Workbench
from f1_pipeline.forecasting.features.matrix import cutoffs
from f1_pipeline.registry import CHALLENGER, CHAMPION, Registered, Registry
from f1_pipeline.settings import Settings
from f1_pipeline.storage.decisions import add_decision, decision_for, decisions
from f1_pipeline.storage.models import champion, versions

if TYPE_CHECKING:
    from f1_pipeline.forecasting.models import Model

_NOT_OF_THE_RECIPE = ("horizon", "seed")
_EXAMPLE_ROWS = 20
"""Training rows from which MLflow takes the signature of a model: a race or two."""


def recipes(engine: Engine, name: str, horizon: str, bench: Workbench) -> Callable[[str], dict[str, Any]]:
    """The hyper-parameters that a version for a race is trained with.

    Without a decision they are those of the newest version, and without that the code's defaults (empty): tables of
    an earlier release hold versions, but no decisions.
    """
    rows = decisions(engine, name, horizon)
    newest = champion(versions(engine, name, horizon))
    before = {} if newest is None else dict(newest["hyperparameters"])
    order = {str(race): index for index, race in enumerate(bench.history.races["race_key"])}

    def recipe(race_key: str) -> dict[str, Any]:
        decision = decision_for(rows, order, race_key)
        return before if decision is None else dict(decision["hyperparameters"])

    return recipe


def record_recipe(engine: Engine, name: str, horizon: str) -> None:
    """Put on record what took over without a comparison: the first recipe, and another version of the code.

    Done after the version is in the table; whoever was killed before leaves it to the next run.
    """
    newest = champion(versions(engine, name, horizon))
    if newest is None:
        return
    rows = decisions(engine, name, horizon)
    promoted = rows[rows["promoted"]]
    shared = {
        "name": name,
        "horizon": horizon,
        "challenger_version": int(newest["version"]),
        "recipe": int(newest["recipe"]),
        "promoted": True,
        "races": 0,
        "decided_at": clock.now(),
    }
    if promoted.empty:
        parameters = {k: v for k, v in newest["hyperparameters"].items() if k not in _NOT_OF_THE_RECIPE}
        reason = "first recipe: there was none to compare it with"
        add_decision(engine, {**shared, "hyperparameters": parameters, "reason": reason})
        return
    last = promoted.iloc[-1]
    if int(last["recipe"]) != int(newest["recipe"]):
        through = last["known_through"]
        add_decision(
            engine,
            {
                **shared,
                "hyperparameters": dict(last["hyperparameters"]),
                "known_through": through if isinstance(through, str) else None,
                "reason": f"recipe version changed: from {last['recipe']} to {newest['recipe']}; the code of the "
                "earlier one is gone, so nothing was compared",
            },
        )


@dataclass(frozen=True)
class Fitted:
    """A model that was fitted for a race, and what is put on record about that. ``example``: some of the rows."""

    model: "Model"
    race: str
    example: pd.DataFrame
    metrics: dict[str, float]
    trained_through: str
    training_rows: int
    training_hash: str


def fit_for(race: str, model: "Model", bench: Workbench, settings: Settings) -> Fitted:
    """Fit a model for a race. Nothing here writes anything: several run at once, while others are being registered."""
    rows = bench.training(race, settings)
    model.fit(rows)
    return Fitted(
        model,
        race,
        rows.head(_EXAMPLE_ROWS).copy(),  # a slice would keep all rows in memory, for each of 60 races
        {
            **model.training_metrics(rows),
            "training_races": float(rows["race_key"].nunique()),
            "training_rows": float(len(rows)),
        },
        str(rows["race_key"].to_numpy()[int(rows["order"].to_numpy().argmax())]),
        len(rows),
        bench.training_hash(race, settings),
    )


def registered_version(
    registry: Registry, fitted: Fitted, bench: Workbench, alias: str | None = None, artefact: bool = True
) -> dict[str, Any]:
    """Store a fitted model (without ``artefact``: all but itself); returns its record for the table of versions."""
    model, horizon = fitted.model, bench.horizon
    races = bench.history.races
    # Not from the features: a challenger for the race is trained before there is a grid to describe.
    cutoff = cutoffs(races, horizon)[races["race_key"] == fitted.race].iloc[0].to_pydatetime()
    parameters = model.hyperparameters()
    recipe = {k: v for k, v in parameters.items() if k not in _NOT_OF_THE_RECIPE}
    tags = {
        "race_key": fitted.race,
        "trained_through": fitted.trained_through,
        "data_cutoff": cutoff.isoformat(),
        "horizon": horizon,
        "recipe": json.dumps({"version": model.recipe, **recipe}, sort_keys=True),
    }
    registered = registry.register(model, horizon, fitted.example, fitted.metrics, tags, alias, artefact)
    return {
        "name": model.name,
        "horizon": horizon,
        "type": type(model).__name__,
        "race_key": fitted.race,
        "trained_at": clock.now(),
        "data_cutoff": cutoff,
        "trained_through": fitted.trained_through,
        "training_hash": fitted.training_hash,
        "training_rows": fitted.training_rows,
        "hyperparameters": parameters,
        "recipe": model.recipe,
        "metrics": fitted.metrics,
        "mlflow_run_id": registered.run_id,
        "mlflow_name": registered.name,
        "mlflow_version": registered.version,
    }


_fitted: dict[tuple[str, str, str, int], "Model"] = {}
"""Models that the newest run has fitted, by run, name, horizon and version."""


def remember(run_id: str, horizon: str, version: int, model: "Model") -> None:
    """Keep a model that this run has registered: its forecasts need not load what is in memory (.1 s each, 750 times
    in the history). Models of earlier runs are forgotten."""
    for key in [known for known in _fitted if known[0] != run_id]:
        del _fitted[key]
    _fitted[run_id, model.name, horizon, version] = model


def remembered_model(run_id: str, name: str, horizon: str, version: int) -> "Model | None":
    """The model of a version, if this run has fitted it."""
    return _fitted.get((run_id, name, horizon, version))


def settle(engine: Engine, registry: Registry, name: str, horizon: str) -> None:
    """Make MLflow say what the tables say: the aliases, and the newest decision as tags of its version.

    Of versions that MLflow does not hold, since it was made anew or is behind the tables, it says nothing.
    """
    held = versions(engine, name, horizon)
    newest = champion(held)
    if newest is None:
        return
    best = stored_as(newest)
    aliases: dict[str, str | None] = {CHAMPION: best.version if registry.holds(best) else None}
    made = decisions(engine, name, horizon)
    if len(made):
        decision = made.iloc[-1]
        about = stored_as(held[held["version"] == decision["challenger_version"]].iloc[0])
        is_there = registry.holds(about)
        stayed_out = not decision["promoted"]
        aliases[CHALLENGER] = about.version if stayed_out and is_there else None
        if is_there:
            registry.tag(about.name, about.version, decision_tags(decision))
    registry.point(best.name, aliases)


def stored_as(row: Mapping[str, Any] | pd.Series) -> Registered:
    """Where MLflow has a version, by its row in the table."""
    return Registered(str(row["mlflow_run_id"]), str(row["mlflow_name"]), str(row["mlflow_version"]))


def decision_tags(decision: pd.Series) -> dict[str, str]:
    """A row of ``model_decisions`` as tags of a version."""
    tags = {
        "decision": "promoted" if decision["promoted"] else "stays out",
        "decision_reason": str(decision["reason"]),
        "decided_at": decision["decided_at"].isoformat(),
        "decision_races": str(int(decision["races"])),
    }
    figures = {"decision_difference": "difference", "decision_low": "low", "decision_high": "high"}
    return tags | {
        tag: f"{decision[column]:.6f}" for tag, column in figures.items() if not pd.isna(decision[column])
    }
