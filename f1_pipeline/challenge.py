"""Challenge the recipe of a model, or go back to the one before: a Dagster run, and the forecast that follows from it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from f1_pipeline.automation.plan import KeyRange, make_plan
from f1_pipeline.automation.state import read_state
from f1_pipeline.runs import Report, Tell, open_runs
from f1_pipeline.settings import Settings
from f1_pipeline.storage import reads
from f1_pipeline.storage.decisions import decisions
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.turn import Turn, alone

logger = logging.getLogger(__name__)


def run_challenge(
    settings: Settings,
    model: str,
    horizon: str,
    hyperparameters: Mapping[str, Any],
    start_season: int | None = None,
    rollback: bool = False,
    tell: Tell = logger.info,
) -> dict[str, Any]:
    """Compare, decide, and forecast the next race again if that changed; returns the row of ``model_decisions``.

    Interrupted after the decision, the next update makes the forecast. Waits for an update that is running.

    Raises:
        RecipeInvalid: model or hyper-parameters are not what there is; nothing was started.
        F1Error: a run failed.
    """
    from f1_pipeline.forecasting.models import checked

    checked(model, hyperparameters)
    config = {
        "model": model,
        "horizon": horizon,
        "hyperparameters": dict(hyperparameters),
        "rollback": rollback,
        **({} if start_season is None else {"start_season": start_season}),
    }
    with alone(settings, tell) as turn:
        return _challenge(settings, model, horizon, config, tell, turn)


def _challenge(
    settings: Settings, model: str, horizon: str, config: Mapping[str, Any], tell: Tell, turn: Turn
) -> dict[str, Any]:
    engine = get_engine(settings.tables_url)
    report = Report(reads.held_source(engine) or "", reads.newest_release(engine), None)
    with open_runs(report, tell, turn) as runs:
        title = f"{'go back' if config['rollback'] else 'challenge'} {model} {horizon}"
        runs.run("challenge_model", title, None, ops={"models__promotion": {"config": config}})
        decision = decisions(engine, model, horizon).to_dict("records")[-1]
        if decision["promoted"]:
            # Only the race that is yet to be run: whatever else is missing is for an update.
            due = make_plan(read_state(engine, settings, None)).forecasts.get(horizon, [])
            finished = reads.calendar(engine).set_index("race_key")["finished"]
            for race in {span.end for span in due if not finished[span.end]}:
                runs.run(f"forecast_{horizon}", f"train and forecast, {horizon}", KeyRange(race, race))
    return {str(name): value for name, value in decision.items()}
