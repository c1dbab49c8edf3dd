"""Tables of drivers and models. All sort by a click and download as CSV from their toolbar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from f1_app.dashboard import style
from f1_app.dashboard.colours import team_colours, text_on

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

ROW_PIXELS = 35
"""Height of a row and of the head of a Streamlit table."""


def full_height(rows: int) -> int:
    """Height that shows every row: twenty drivers are read at once, not scrolled through."""
    return (rows + 1) * ROW_PIXELS + 3


def badged(frame: pd.DataFrame, season: int, constructor_ids: pd.Series[str]) -> Styler:
    """Paint the driver codes in the colour of their team.

    The column is not pinned: Streamlit fades the text of pinned columns, and on a team colour it could
    then not be read. The team is the last column, so that a phone shows the numbers without scrolling.
    """
    colours = team_colours(season, constructor_ids)
    paint = [
        f"background-color: {colours[team]}; color: {text_on(colours[team])}; font-weight: 600"
        for team in constructor_ids
    ]
    return frame.style.apply(lambda _: paint, subset=["Code"], axis=0)


def percent_column(label: str, help: str | None = None, **options: Any) -> Any:
    """A column of percentages (the values are 0 to 100, so that a CSV reads as the page does)."""
    return st.column_config.NumberColumn(label, help=help, format="%.1f", **options)


def forecast_table(frame: pd.DataFrame, season: int) -> None:
    """One model's forecast of one race, most likely winner on top."""
    table = pd.DataFrame(
        {
            "#": range(1, len(frame) + 1),
            "Code": frame["code"],
            "Driver": frame["driver"],
            "Win": frame["win_probability"] * 100,
            "Low": frame["interval_low"] * 100,
            "High": frame["interval_high"] * 100,
            "Podium": frame["podium_probability"] * 100,
            "Points": frame["points_probability"] * 100,
            "Expected": frame["expected_position"],
            "Team": frame["team"],
        }
    )
    if frame["interval_low"].isna().all():
        table = table.drop(columns=["Low", "High"])
    st.dataframe(
        badged(table, season, frame["constructor_id"]),
        hide_index=True,
        width="stretch",
        height=full_height(len(table)),
        column_config={
            "#": st.column_config.NumberColumn("#", help="Rank by win probability", width=40),
            "Code": st.column_config.TextColumn("Code", width=56),
            "Driver": st.column_config.TextColumn("Driver", width=140),
            "Team": st.column_config.TextColumn("Team", width=110),
            "Win": percent_column("Win %", "Probability to win the race"),
            "Low": percent_column("from", "Lower end of the 95 % interval of the win probability, in %"),
            "High": percent_column("to", "Upper end of the 95 % interval of the win probability, in %"),
            "Podium": percent_column("Podium %", "Probability to finish in the first three"),
            "Points": percent_column("Points %", "Probability to score points"),
            "Expected": st.column_config.NumberColumn(
                "Exp. pos.", help="Mean finishing position over all drawn races", format="%.1f"
            ),
        },
    )


def comparison_table(forecasts: pd.DataFrame, result: pd.DataFrame, season: int, names: list[str]) -> None:
    """Every model's win probability per driver, beside the result once there is one."""
    wide = forecasts.pivot(index="driver_id", columns="model", values="win_probability")[names] * 100
    who = pd.concat([forecasts, result]).drop_duplicates("driver_id").set_index("driver_id")
    who = who[["code", "driver", "team", "constructor_id"]]
    if result.empty:
        table = who.join(wide, how="inner").sort_values(names[0], ascending=False)
    else:
        finish = result.drop_duplicates("driver_id").set_index("driver_id")
        # A driver who was forecast and did not take part is kept, at the end and without a position.
        table = who.join(wide).join(finish[["position", "grid_position", "position_text", "reason_retired"]])
        order = {driver: place for place, driver in enumerate(finish.index)}
        table = table.loc[sorted(table.index, key=lambda driver: (order.get(driver, len(order)), driver))]
        table["position"] = table["position"].astype("Int64")
        table["grid_position"] = table["grid_position"].astype("Int64")
        out = table["position"].isna()
        reason = table["reason_retired"].where(table["reason_retired"].notna(), table["position_text"])
        table["outcome"] = reason.where(out, "").fillna("did not take part")
    before, after = {"code": "Code", "driver": "Driver"}, {"team": "Team"}
    if not result.empty:
        before = {"position": "Finish", **before, "grid_position": "Grid"}
        after = {**after, "outcome": "Out"}
    teams = table["constructor_id"]
    shown = table[[*before, *names, *after]].rename(columns={**before, **after})
    st.dataframe(
        badged(shown, season, teams),
        hide_index=True,
        placeholder="-",
        width="stretch",
        height=full_height(len(shown)),
        column_config={
            "Finish": st.column_config.NumberColumn("Finish", width=56),
            "Code": st.column_config.TextColumn("Code", width=56),
            "Grid": st.column_config.NumberColumn("Grid", width=56),
            "Out": st.column_config.TextColumn(
                "Not classified", help="Why a driver has no finishing position"
            ),
            **{
                name: percent_column(f"{style.MODELS.get(name, name)} %", "Probability to win the race")
                for name in names
            },
        },
    )


def score_table(scores: pd.DataFrame) -> None:
    """Each model's scores for one race."""
    table = scores.assign(
        model=scores["model"].map(style.model_label),
        winner_probability=scores["winner_probability"] * 100,
        winner_correct=scores["winner_correct"].astype(bool),
    )
    st.dataframe(
        table,
        hide_index=True,
        placeholder="-",
        width="stretch",
        height=full_height(len(table)),
        column_order=[
            "model",
            "log_loss",
            "brier",
            "winner_probability",
            "winner_correct",
            "podium_log_loss",
            "top3_accuracy",
            "rank_error",
            "spearman",
        ],
        column_config={
            "model": st.column_config.TextColumn("Model", pinned=True),
            "winner_probability": percent_column("Winner had %", "Probability given to the driver who won"),
            "winner_correct": st.column_config.CheckboxColumn(
                "Favourite won", help="The driver with the highest probability won"
            ),
            **{
                name: st.column_config.NumberColumn(metric.label, help=metric.help, format=metric.format)
                for name, metric in style.METRICS.items()
                if name not in ("winner_probability", "winner_correct")
            },
        },
    )
