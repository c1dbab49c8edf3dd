"""Parts of the page on accuracy that look at forecasts one by one: calibration, misses, sprints, market, method."""

from __future__ import annotations

from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from f1_app.dashboard import charts, charts_scores, scores, style
from f1_app.dashboard.components.picker import choose
from f1_app.dashboard.components.tables import full_height, percent_column

PAGE = "accuracy"
OUTCOMES = {"win": "Win", "podium": "Podium", "points": "Points", "retirement": "Retirement"}
SPRINT_HORIZONS = {"pre_sprint": "With the grid of the sprint", "pre_weekend": "Before the weekend"}

METHOD = """
- **Walk-forward.** Each forecast was made by a model that had seen only races before it, from what was known before
  its cutoff. It is kept as it was published; nobody goes back to improve it.
- **Who counts.** Everyone who took the start. Probabilities are divided by their sum over the starters, so that a car
  that broke on the way to the grid is nobody's mistake.
- **Log loss** looks at the winner only, and punishes what was called all but impossible. **Brier** looks at all
  starters. **Winner and podium named** are easy to read and know least: they do not care how sure a forecast was.
- **Baselines** need no model: everyone alike, the share of the Elo rating, how often a grid slot or a championship
  position won so far. A model that does not beat them is not worth its electricity.
- **Intervals** come from drawing the races again. Races differ far more than models do, so two models are compared by
  their difference on the same races, not by two intervals. A single season says little.
- **Calibration.** Of all drivers who were given about 30 %, about 30 % should win. The band is what chance leaves
  (Wilson); the bars below say how many pairs of race and driver a point stands on.

Definitions, sources and measured figures are in `docs/methodology.md` of the project; `f1 evaluate` prints the same
numbers.
"""


def choose_model(names: list[str]) -> str:
    """Whose forecasts are looked at one by one."""
    return choose(
        "Forecasts of",
        names,
        page=PAGE,
        name="model",
        default="pool" if "pool" in names else names[0],
        show=style.model_label,
    )


def calibration(reliability: pd.DataFrame, model: str) -> None:
    """Whether what was called 30 % happened in 30 of 100 cases."""
    rows = reliability[reliability["model"] == model]
    outcomes = [name for name in OUTCOMES if name in set(rows["outcome"])]
    if not outcomes:
        st.info(f"**No calibration of {style.model_label(model)}.** `f1 update` computes it with the scores.")
        return
    outcome = choose(
        "Probability of",
        outcomes,
        page=PAGE,
        name="outcome",
        default=outcomes[0],
        show=OUTCOMES.__getitem__,
        kind="radio",
    )
    table = rows[rows["outcome"] == outcome].sort_values("bin")
    st.plotly_chart(
        charts_scores.calibration_chart(table),
        width="stretch",
        config=charts.CONFIG,
        key="accuracy-calibration",
    )
    with st.expander("As a table"):
        st.dataframe(
            pd.DataFrame(
                {
                    "Forecast between": [f"{low * 10} and {low * 10 + 10} %" for low in table["bin"]],
                    "Pairs": table["count"],
                    "Forecast": table["forecast"] * 100,
                    "Happened": table["observed"] * 100,
                    "from": table["low"] * 100,
                    "to": table["high"] * 100,
                }
            ),
            hide_index=True,
            width="stretch",
            height=full_height(len(table)),
            column_config={
                "Pairs": st.column_config.NumberColumn("Pairs", help="Pairs of race and driver"),
                "Forecast": percent_column("Mean forecast %"),
                "Happened": percent_column("Happened %"),
                "from": percent_column("95 % from"),
                "to": percent_column("95 % to"),
            },
        )


def misses(worst: pd.DataFrame, horizon: str, model: str) -> None:
    """The races that a model saw least coming, each with the way to all that was forecast of it."""
    links = [
        "compare?" + urlencode({"race": race_key, "horizon": horizon, "model": model})
        for race_key in worst["race_key"]
    ]
    st.dataframe(
        pd.DataFrame(
            {
                "Race": worst["season"].astype(str) + " " + worst["name"],
                "Winner": worst["winner"],
                "had": worst["winner_probability"] * 100,
                "Favourite": worst["favourite"],
                "favourite had": worst["favourite_probability"] * 100,
                "Log loss": worst["log_loss"],
                "Forecast": links,
            }
        ),
        hide_index=True,
        placeholder="-",
        width="stretch",
        height=full_height(len(worst)),
        column_config={
            "had": st.column_config.NumberColumn(
                "Winner had %", help="Probability given to the driver who won", format="%.2f"
            ),
            "favourite had": percent_column("Favourite had %"),
            "Log loss": st.column_config.NumberColumn("Log loss", format="%.2f"),
            "Forecast": st.column_config.LinkColumn(
                "Forecast", display_text="open", help="Everything that was forecast of this race"
            ),
        },
    )
    st.caption(
        "Surprises are part of the sport: a forecast without any miss would be one that says nothing. One"
        " that misses more often than it says it would shows in the calibration above."
    )


def _means_table(frame: pd.DataFrame, first: list[str], label: str) -> None:
    parts = {name: scores.summary(frame, name, first).set_index(first) for name in ("log_loss", "brier")}
    table = parts["log_loss"][["races", "mean", "low", "high"]]
    table = table.assign(
        brier=parts["brier"]["mean"],
        **{
            name: frame.groupby(first)[name].mean()
            for name in ("winner_correct", "top3_accuracy", "spearman")
        },
    ).reset_index()
    table = table.sort_values([*first[:-1], "mean"])
    table["model"] = table["model"].map(style.model_label)
    number = st.column_config.NumberColumn
    metrics = style.METRICS
    st.dataframe(
        table,
        hide_index=True,
        placeholder="-",
        width="stretch",
        height=full_height(len(table)),
        column_config={
            "horizon": st.column_config.TextColumn("Knew"),
            "model": st.column_config.TextColumn("Model"),
            "races": number(label),
            "mean": number("Log loss", help=metrics["log_loss"].help, format="%.3f"),
            "low": number("95 % from", format="%.3f"),
            "high": number("95 % to", format="%.3f"),
            **{
                name: number(metrics[name].label, help=metrics[name].help, format=metrics[name].format)
                for name in ("brier", "winner_correct", "top3_accuracy", "spearman")
            },
        },
    )


def sprints(frame: pd.DataFrame, period: str) -> None:
    """Means of the scores of sprints; there are few of them, and the intervals say so."""
    frame = scores.in_period(frame, period)
    if frame.empty:
        return
    st.subheader("Sprints", anchor=False)
    frame = frame.assign(
        horizon=frame["horizon"].map(lambda name: SPRINT_HORIZONS.get(name, style.horizon_label(name)))
    )
    _means_table(frame, ["horizon", "model"], "Sprints")


def market(frame: pd.DataFrame, differences: pd.DataFrame, period: str) -> None:
    """Bookmakers' prices beside the models, on exactly the races that have prices."""
    frame = scores.in_period(frame, period)
    if frame.empty:
        return
    st.subheader("Beside the market", anchor=False)
    st.markdown(
        "What the imported prices said of the winner, without the bookmakers' margin. On exactly the"
        f" {style.plural(frame['race_key'].nunique(), 'race')} with prices, so these means differ from those above."
    )
    _means_table(frame, ["model"], "Races")
    rows = differences[differences["reference"] == "market"].sort_values("difference")
    if not rows.empty:
        st.plotly_chart(
            charts_scores.differences_chart(rows, "market"),
            width="stretch",
            config=charts.CONFIG,
            key="accuracy-market",
        )
