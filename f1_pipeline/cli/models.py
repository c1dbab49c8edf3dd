"""What the commands about models print: the champions, and the decision about a challenger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from f1_pipeline.cli.output import TableOrJson, console, notices, print_json, print_table, records
from f1_pipeline.cli.reports import open_tables
from f1_pipeline.domain.vocabulary import HORIZONS, TRAINED_MODELS
from f1_pipeline.errors import NotReady, RecipeInvalid
from f1_pipeline.settings import Settings
from f1_pipeline.storage.decisions import decisions
from f1_pipeline.storage.models import champion, versions


def challenge(
    settings: Settings, model: str, horizon: str, assignments: Sequence[str], start_season: int | None
) -> None:
    """Run a comparison and print its figures and the decision."""
    _check(model, horizon)
    _print_decision(_run(settings, model, horizon, _assigned(assignments), start_season))


def rollback(settings: Settings, model: str, horizon: str) -> None:
    """Go back to the recipe before and print what is in force now."""
    _check(model, horizon)
    _print_decision(_run(settings, model, horizon, {}, rollback=True))


def show_models(settings: Settings, output: TableOrJson) -> None:
    """Print champion, recipe and last decision of each trained model."""
    engine = open_tables(settings)
    made = decisions(engine)
    found = []
    for name in TRAINED_MODELS:
        for horizon in HORIZONS:
            newest = champion(versions(engine, name, horizon))
            if newest is None:
                continue
            about = made[(made["name"] == name) & (made["horizon"] == horizon)]
            recipe = {k: v for k, v in newest["hyperparameters"].items() if k not in ("horizon", "seed")}
            found.append(
                {
                    "model": name,
                    "horizon": horizon,
                    "version": newest["version"],
                    "mlflow_version": newest["mlflow_version"],
                    "trained_through": newest["trained_through"],
                    "recipe_version": newest["recipe"],
                    "hyperparameters": recipe,
                    "last_decision": records(about.tail(1))[0] if len(about) else None,
                }
            )
    if not found:
        raise NotReady("there is no model yet: run `f1 update`")
    if output is TableOrJson.json:
        print_json(found)
        return
    print_table(pd.DataFrame([_line(row) for row in found]))


def _line(row: dict[str, Any]) -> dict[str, Any]:
    decision = row["last_decision"]
    return {
        "model": row["model"],
        "horizon": row["horizon"],
        "champion": row["version"],
        "trained through": row["trained_through"],
        "recipe": " ".join(f"{key}={value}" for key, value in row["hyperparameters"].items()),
        "decided": "-" if decision is None else decision["decided_at"][:10],
        "last decision": "-" if decision is None else decision["reason"].partition(":")[0],
    }


def _run(
    settings: Settings,
    model: str,
    horizon: str,
    given: dict[str, Any],
    start_season: int | None = None,
    rollback: bool = False,
) -> dict[str, Any]:
    from f1_pipeline.challenge import run_challenge

    open_tables(settings)
    return run_challenge(
        settings,
        model,
        horizon,
        given,
        start_season,
        rollback,
        lambda line: notices.print(f"  {line}", soft_wrap=True),
    )


def _check(model: str, horizon: str) -> None:
    if horizon not in HORIZONS:
        raise NotReady(f"no horizon {horizon!r}: there are {', '.join(HORIZONS)}")
    if model not in TRAINED_MODELS:
        raise NotReady(f"no trained model {model!r}: there are {', '.join(TRAINED_MODELS)}")


def _assigned(assignments: Sequence[str]) -> dict[str, Any]:
    """``penalty=40`` as ``{"penalty": 40}``: values are read as JSON, what is none is a word."""
    given: dict[str, Any] = {}
    for text in assignments:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise RecipeInvalid(f"--set {text}: a hyper-parameter is set like penalty=40")
        try:
            given[name] = json.loads(value)
        except json.JSONDecodeError:
            given[name] = value
    return given


def _print_decision(row: dict[str, Any]) -> None:
    recipe = " ".join(f"{key}={value}" for key, value in row["hyperparameters"].items())
    console.print(f"{row['name']} at {row['horizon']}, version {row['challenger_version']}: {recipe}")
    if row["races"]:
        console.print(
            f"Log loss of the winner minus that of the champion, version {row['champion_version']:.0f}: "
            f"{row['difference']:+.4f} (95 % {row['low']:+.4f} to {row['high']:+.4f}) on the same {row['races']} races.",
            soft_wrap=True,
        )
    verdict = "[green]promoted[/]" if row["promoted"] else "[yellow]stays out[/]"
    console.print(f"{verdict}: {row['reason']}", soft_wrap=True)
