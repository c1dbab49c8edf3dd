"""Measure the championship forecasts before every race of some seasons, from an archive.

    python benchmarks/championship.py ARCHIVE.zip [--from 1990] [--to 2025] [--draws 2000] [--set team_doubt=0.5 ...]

Prints the log loss of the champion (mean over races of minus the logarithm of the title probability of who became
champion), the calibration of title probabilities, and how often final points fell into the 90 % band. Some two minutes
on one core for 1990 to 2025. ``--set`` is how the parameters of ``SimulationConfig`` were compared on 1990 to 2021.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from f1_pipeline.domain.championship_rules import EXCLUDED_DRIVERS
from f1_pipeline.forecasting.championship import forecast_championship
from f1_pipeline.forecasting.championship_inputs import championship_inputs
from f1_pipeline.forecasting.history import build_history
from f1_pipeline.forecasting.joint_rating import Championships, joint_ratings
from f1_pipeline.forecasting.joint_state import JointConfig
from f1_pipeline.forecasting.predict import race_seed
from f1_pipeline.forecasting.season_simulation import SimulationConfig
from f1_pipeline.sources.f1db import parse_archive

WINDOWS = ((1990, 2009), (2010, 2021), (2022, 2025), (2010, 2025))
BINS = [0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0]


def forecasts(tables: dict[str, pd.DataFrame], options: argparse.Namespace) -> pd.DataFrame:
    """Rows of every forecast, with what happened: ``champion`` and ``final`` points."""
    history = build_history(tables)
    ratings = joint_ratings(Championships(history.races, history.entries, tables), JointConfig())
    inputs = championship_inputs(history.races, tables["race_results"], tables["sprint_results"], ratings)
    changes = {name: float(value) for name, value in (pair.split("=") for pair in options.set)}
    config = SimulationConfig(**changes)
    races = history.races[history.races["season"].between(options.first, options.last)]
    parts = []
    for key in races["race_key"]:
        seed = race_seed(20260101, key, "championship")
        made = forecast_championship(inputs.situation(key), config, options.draws, seed, False)
        parts.append(made.forecasts.assign(season=int(key[:4])))
    rows = pd.concat(parts, ignore_index=True)
    last = history.races.groupby("season")["race_key"].last()
    finals = []
    for kind in ("driver", "constructor"):
        table = tables[f"{kind}_standings"].rename(columns={f"{kind}_id": "entity_id"})
        table = table[table["race_key"].isin(last)]
        grouped = table.groupby(["race_key", "entity_id"]).agg(
            final=("points", "sum"), position=("position", "min")
        )
        finals.append(grouped.reset_index().assign(kind=kind))
    final = pd.concat(finals, ignore_index=True)
    final["season"] = final["race_key"].str[:4].astype("int64")
    final = final.drop(columns="race_key")
    rows = rows.merge(final, on=["season", "kind", "entity_id"], how="left")
    return rows.assign(champion=rows["position"] == 1, final=rows["final"].fillna(0.0))


def measure(rows: pd.DataFrame, draws: int) -> None:
    """Print the scores by window."""
    # A champion whom no draw knew is given half a draw: the logarithm of nothing is no score.
    loss = -np.log(np.maximum(rows["title_probability"], 0.5 / draws))
    for kind, part in rows.assign(loss=loss).groupby("kind"):
        for first, last in WINDOWS:
            span = part[part["season"].between(first, last)]
            if span.empty:
                continue
            champion = span[span["champion"]]
            # Who scores no more has a band of one number; who was excluded has no end.
            open_ = span[span["expected_points"] > span["points"] + 3]
            open_ = open_[~open_.set_index(["season", "entity_id"]).index.isin(EXCLUDED_DRIVERS)]
            inside = open_["final"].between(open_["points_low"], open_["points_high"])
            print(
                f"{kind:<12} {first}-{last}: champion log loss {champion['loss'].mean():.3f} over {len(champion)} "
                f"races; 90 % band holds {inside.mean():.3f} of {len(inside)}"
            )
        bins = pd.cut(part["title_probability"], BINS)
        counted = part[part["title_probability"] > 0]
        for name, cell in counted.groupby(bins.loc[counted.index], observed=True):
            print(
                f"  {name!s:<13} mean {cell['title_probability'].mean():.3f} came true {cell['champion'].mean():.3f} "
                f"of {len(cell)}"
            )
    driver = rows.assign(loss=loss)[rows["champion"] & (rows["kind"] == "driver")]
    print("drivers by season:", driver.groupby("season")["loss"].mean().round(2).to_dict())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--from", dest="first", type=int, default=1990)
    parser.add_argument("--to", dest="last", type=int, default=2025)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--set", nargs="*", default=[])
    options = parser.parse_args()
    tables = dict(parse_archive(options.archive, "local", "").tables)
    measure(forecasts(tables, options), options.draws)


if __name__ == "__main__":
    main()
