"""Print the measured tables of README and methodology from a filled database, as Markdown.

    python scripts/measured.py [--home .f1]

So that no figure of the documents is typed by hand. Nothing is written.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
from sqlalchemy import Engine, create_engine

from f1_pipeline.forecasting.joint_state import MOVED, JointConfig
from f1_pipeline.forecasting.scoring import chance_errors, outcome_pairs
from f1_pipeline.settings import get_settings
from f1_pipeline.storage.scored import forecasts_and_starters

PERIODS = {"2014+": "2014–26", "2022+": "2022–26"}
BASELINE = {"pre_weekend": "standings_frequency", "pre_race": "grid_frequency"}
SHORT = {"pre_weekend": "weekend", "pre_race": "race"}
REGULATION_YEARS = (2014, 2022, 2026)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def short(value: float, digits: int = 3) -> str:
    """Without the leading zero, and with a real minus sign."""
    text = f"{abs(value):.{digits}f}"
    text = text.removeprefix("0") if abs(value) < 1 else text
    return ("−" if value < 0 and float(f"{value:.{digits}f}") else "") + text


def chance(engine: Engine) -> None:
    """What chance alone leaves of the calibration error of the pool."""
    races = pd.read_sql_query("SELECT DISTINCT race_key FROM model_accuracy", engine)["race_key"]
    forecasts, starters = forecasts_and_starters(engine, get_settings().draws, sorted(races))
    pairs = outcome_pairs(forecasts[forecasts["model"] == "pool"], starters)
    season = pairs["race_key"].str[:4].astype(int)
    print("#### calibration error of win that chance alone would leave of the pool\n")
    rows = []
    for title, even in (("equal bins", False), ("even bins", True)):
        cells = []
        for horizon in BASELINE:
            for first in (2014, 2022):
                of = pairs[(pairs["horizon"] == horizon) & (season >= first)]
                row = chance_errors(of, even=even).iloc[0]
                cells.append(f"{short(row['mean'], 4)} ({short(row['low'], 4)}–{short(row['high'], 4)})")
        rows.append([title, *cells])
    table(["bins", *(f"{SHORT[h]} {p}" for h in BASELINE for p in PERIODS.values())], rows)


def moved(engine: Engine) -> None:
    """How far ratings moved within a season, against the mean of their field, and how far the filter says that they may."""
    ratings = pd.read_sql_query(
        "SELECT r.season, r.round, j.race_key, j.driver_id, j.constructor_id, j.mean, j.own_sd"
        " FROM joint_ratings j JOIN races r USING (race_key) WHERE j.horizon = 'pre_weekend'",
        engine,
    )
    ratings["place"] = ratings.groupby("season")["round"].rank(method="dense").astype(int)
    ratings["own_sd"] /= MOVED
    ratings["own"] = ratings["mean"] - ratings.groupby("race_key")["mean"].transform("mean")
    drift = JointConfig().team_drift ** 2 + JointConfig().driver_drift ** 2
    who = ["season", "driver_id", "constructor_id", "place"]

    def squares(first: int, last: int, races: int, start: bool = False) -> pd.Series:
        """Means over the cars of both races: of the square of the move, of what it should be, and of the doubt before."""
        before = ratings[ratings["season"].between(first, last) & ((ratings["place"] == 1) | (not start))]
        after = ratings.assign(place=ratings["place"] - races)[[*who, "own", "own_sd"]]
        both = before.merge(after, on=who, suffixes=("", "_after"))
        doubt, left = both["own_sd"] ** 2, both["own_sd_after"] ** 2
        move = (both["own_after"] - both["own"]) ** 2
        return pd.DataFrame({"move": move, "said": doubt - left + races * drift, "doubt": doubt}).mean()

    steps = (1, 2, 4, 8)
    print("#### squared moves of ratings, as a share of what they should be\n")
    rows = []
    for first, last in ((1988, 2009), (2010, 2026)):
        means = [squares(first, last, races) for races in steps]
        rows.append([f"{first}–{last}", *(short(mean["move"] / mean["said"], 2) for mean in means)])
    table(["seasons", *(f"over {races}" for races in steps)], rows)
    print("#### doubt before the first race of new regulations, and moves in eight races\n")
    rows = []
    for season in REGULATION_YEARS:
        roots = squares(season, season, 8, start=True) ** 0.5
        rows.append([str(season), short(roots["doubt"], 2), short(roots["move"], 2)])
    table(["season", "doubt", "moved"], rows)


class Measured:
    def __init__(self, engine: Engine):
        self.sums = pd.read_sql_table("accuracy_summaries", engine)
        self.pairs = pd.read_sql_table("paired_differences", engine)
        self.bins = pd.read_sql_table("reliability", engine)
        self.sprints = pd.read_sql_table("sprint_accuracy", engine)

    def score(self, score: str, horizon: str, period: str) -> pd.DataFrame:
        s = self.sums
        rows = s[(s["score"] == score) & (s["horizon"] == horizon) & (s["period"] == period)]
        return rows.set_index("model")

    def models(self, horizon: str) -> list[str]:
        return list(self.score("log_loss", horizon, "2014+")["mean"].sort_values().index)

    def log_loss(self, horizon: str) -> None:
        print(f"#### log loss, {horizon}\n")

        def cell(model: str, period: str) -> str:
            row = self.score("log_loss", horizon, period).loc[model]
            return f"{row['mean']:.3f} ({row['low']:.3f}–{row['high']:.3f})"

        names = self.models(horizon)
        table(
            ["model", *PERIODS.values()],
            [[f"`{m}`", *(cell(m, period) for period in PERIODS)] for m in names],
        )

    def against(self, title: str, reference: Callable[[str], str]) -> None:
        print(f"#### difference to {title}\n")
        rows = []
        for model in [*self.models("pre_race"), "standings_frequency"]:
            cells = []
            for horizon in BASELINE:
                for period in PERIODS:
                    p = self.pairs
                    found = p[
                        (p["model"] == model)
                        & (p["horizon"] == horizon)
                        & (p["period"] == period)
                        & (p["reference"] == reference(horizon))
                    ]
                    cells.append(
                        "–"
                        if found.empty
                        else f"{short(found['difference'].iloc[0])} ({short(found['low'].iloc[0])} to {short(found['high'].iloc[0])})"
                    )
            rows.append([f"`{model}`", *cells])
        table(["model", *(f"{SHORT[h]} {p}" for h in BASELINE for p in PERIODS.values())], rows)

    def others(self, horizon: str) -> None:
        print(f"#### other scores, {horizon}\n")
        scores = {
            "brier": 3,
            "rps": 4,
            "winner_correct": 2,
            "top3_accuracy": 2,
            "podium_log_loss": 4,
            "spearman": 4,
            "rank_error": 3,
            "retirement_log_loss": 4,
        }
        names = ["pool", "rating", "xgboost_order", "plackett_luce", BASELINE[horizon]]
        rows = [
            [
                f"`{m}`",
                *(
                    " / ".join(short(self.score(s, horizon, p).loc[m, "mean"], d) for p in PERIODS)
                    for s, d in scores.items()
                ),
            ]
            for m in names
        ]
        table(["model", *scores], rows)

    def calibration(self, score: str, title: str) -> None:
        print(f"#### calibration error of win, {title}\n")
        rows = []
        for model in [*self.models("pre_race"), "standings_frequency"]:
            cells = []
            for horizon in BASELINE:
                for period in PERIODS:
                    found = self.score(score, horizon, period)
                    if model not in found.index:
                        cells.append("–")
                        continue
                    row = found.loc[model]
                    spread = f" ({short(row['low'], 4)}–{short(row['high'], 4)})" if period == "2014+" else ""
                    cells.append(short(row["mean"], 4) + spread)
            rows.append([f"`{model}`", *cells])
        table(["model", *(f"{SHORT[h]} {p}" for h in BASELINE for p in PERIODS.values())], rows)

    def reliability(self) -> None:
        print("#### reliability of the pool, 2014-26: mean forecast → share (n)\n")
        b = self.bins[(self.bins["model"] == "pool") & (self.bins["period"] == "2014+")]
        wanted = {
            ("win", "above 50 %"): range(5, 10),
            ("podium", "below 10 %"): [0],
            ("podium", "above 80 %"): [8, 9],
            ("points", "below 10 %"): [0],
            ("points", "above 80 %"): [8, 9],
            ("retirement", "below 10 %"): [0],
            ("retirement", "20 to 30 %"): [2],
        }
        rows = []
        for (outcome, name), bins in wanted.items():
            cells = []
            for horizon in BASELINE:
                part = b[(b["outcome"] == outcome) & (b["horizon"] == horizon) & b["bin"].isin(list(bins))]
                n = int(part["count"].sum())
                mean = [(part[c] * part["count"]).sum() / n for c in ("forecast", "observed")]
                cells.append(f"{short(mean[0])} → {short(mean[1])} ({n})")
            rows.append([f"{outcome}, {name}", *cells])
        table(["forecast", "before the weekend", "before the race"], rows)

    def regulation_years(self) -> None:
        print("#### years of new regulations: pool, baseline, difference\n")
        rows = []
        for year in REGULATION_YEARS:
            cells = []
            for horizon, baseline in BASELINE.items():
                s = self.score("log_loss", horizon, str(year))
                p = self.pairs
                d = p[
                    (p["model"] == "pool")
                    & (p["horizon"] == horizon)
                    & (p["period"] == str(year))
                    & (p["reference"] == baseline)
                ].iloc[0]
                cells += [
                    f"{s.loc['pool', 'mean']:.3f}",
                    f"{s.loc[baseline, 'mean']:.3f}",
                    f"{short(d['difference'])} ({short(d['low'])} to {short(d['high'])})",
                ]
            rows.append([str(year), str(int(s.loc["pool", "races"])), *cells])
        table(["season", "races", *(["pool", "baseline", "difference"] * 2)], rows)

    def of_sprints(self) -> None:
        print(f"#### sprints ({self.sprints['race_key'].nunique()})\n")
        columns = [
            "log_loss",
            "brier",
            "podium_log_loss",
            "winner_correct",
            "top3_accuracy",
            "spearman",
            "rank_error",
        ]
        means = self.sprints.groupby(["horizon", "model"])[columns].mean()
        rows = [
            [f"`{h}`", f"`{m}`", *(short(v, 2 if c in columns[3:] else 3) for c, v in row.items())]
            for (h, m), row in means.iterrows()
        ]
        table(["horizon", "model", *columns], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".f1"))
    home = parser.parse_args().home
    engine = create_engine(f"sqlite:///file:{home.resolve() / 'f1.db'}?mode=ro&uri=true")
    measured = Measured(engine)
    for horizon in BASELINE:
        measured.log_loss(horizon)
    measured.against("the baseline", BASELINE.__getitem__)
    measured.against("the pool", lambda _: "pool")
    for horizon in BASELINE:
        measured.others(horizon)
    measured.calibration("calibration_error", "equal bins")
    measured.calibration("calibration_error_even", "even bins")
    chance(engine)
    measured.reliability()
    measured.regulation_years()
    measured.of_sprints()
    moved(engine)


if __name__ == "__main__":
    main()
