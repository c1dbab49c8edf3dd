"""Tables of drivers and models. All sort by a click and download as CSV from their toolbar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from f1_app.dashboard import style
from f1_app.dashboard.colours import team_colour, team_colours, text_on

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


def forecast_columns() -> dict[str, Any]:
    """How the columns of a forecast are called, explained and printed."""
    return {
        "#": st.column_config.NumberColumn("#", help="Rank by win probability", width=40),
        "Code": st.column_config.TextColumn("Code", width=56),
        "Driver": st.column_config.TextColumn("Driver", width=132),
        "Team": st.column_config.TextColumn("Team", width=110),
        "Win": percent_column("Win %", "Probability to win"),
        "Change": st.column_config.NumberColumn(
            "Change",
            help="Change of the win probability since the forecast of the horizon before, in percentage points",
            format="%+.1f",
        ),
        "Low": percent_column("from", "Lower end of the 95 % interval of the win probability, in %"),
        "High": percent_column("to", "Upper end of the 95 % interval of the win probability, in %"),
        "Podium": percent_column("Podium %", "Probability to finish in the first three"),
        "Points": percent_column("Points %", "Probability to score points"),
        "Expected": st.column_config.NumberColumn(
            "Exp. pos.", help="Mean finishing position over all drawn races", format="%.1f"
        ),
        "Retires": percent_column("Retires %", "Probability to start and not be classified"),
        "Expected points": st.column_config.NumberColumn(
            "Exp. pts", help="Mean points, without fastest lap", format="%.1f"
        ),
    }


def forecast_rows(frame: pd.DataFrame, before: pd.DataFrame | None = None) -> pd.DataFrame:
    """The table of a forecast, in percent; columns that nobody stated are left out."""
    change = None
    if before is not None and not before.empty:
        earlier = before.set_index("driver_id")["win_probability"]
        change = (frame["win_probability"] - frame["driver_id"].map(earlier)) * 100
    columns = {
        "#": range(1, len(frame) + 1),
        "Code": frame["code"],
        "Driver": frame["driver"],
        "Win": frame["win_probability"] * 100,
        "Change": change,
        "Low": frame["interval_low"] * 100 if "interval_low" in frame else None,
        "High": frame["interval_high"] * 100 if "interval_high" in frame else None,
        "Podium": frame["podium_probability"] * 100,
        "Points": frame["points_probability"] * 100,
        "Expected": frame["expected_position"],
        "Retires": frame["retirement_probability"] * 100,
        "Expected points": frame["expected_points"],
        "Team": frame["team"],
    }
    table = pd.DataFrame({name: values for name, values in columns.items() if values is not None})
    return table.drop(
        columns=[
            name
            for name in ("Low", "High", "Retires", "Expected points")
            if name in table and table[name].isna().all()
        ]
    )


def forecast_table(frame: pd.DataFrame, season: int, before: pd.DataFrame | None = None) -> None:
    """One model's forecast of one race or sprint, most likely winner on top.

    Args:
        frame: The forecast.
        season: Whose team colours to use.
        before: The same model's forecast at the horizon before, to state the change since.
    """
    table = forecast_rows(frame, before)
    st.dataframe(
        badged(table, season, frame["constructor_id"]),
        hide_index=True,
        placeholder="-",
        width="stretch",
        height=full_height(len(table)),
        column_config=forecast_columns(),
    )


def outcome_rows(frame: pd.DataFrame, result: pd.DataFrame) -> pd.DataFrame:
    """A forecast beside the result, in the order of the result, with ``constructor_id`` of each row.

    Who was forecast and did not take part is kept at the end; of who took part and was not forecast only the
    result is known.
    """
    finish = result.drop_duplicates("driver_id").set_index("driver_id")
    rank = frame["expected_position"].rank(method="first").astype("Int64")
    made = frame.assign(rank=rank).set_index("driver_id")
    drivers = [*finish.index, *(driver for driver in made.index if driver not in finish.index)]
    who = pd.concat([finish, made])[["code", "driver", "team", "constructor_id"]]
    who = who[~who.index.duplicated()].loc[drivers]
    finish, made = finish.reindex(drivers), made.reindex(drivers)
    out = finish["reason_retired"].where(finish["reason_retired"].notna(), finish["position_text"])
    return pd.DataFrame(
        {
            "Finish": finish["position"].astype("Int64"),
            "Code": who["code"],
            "Driver": who["driver"],
            "Forecast": made["rank"],
            "Win": made["win_probability"] * 100,
            "Podium": made["podium_probability"] * 100,
            "Points": made["points_probability"] * 100,
            "Expected": made["expected_position"],
            "Retires": made["retirement_probability"] * 100,
            "Grid": finish["grid_position"].astype("Int64"),
            "Scored": finish["points"],
            "Out": out.where(finish["position"].isna(), "").fillna("did not take part"),
            "Team": who["team"],
            "constructor_id": who["constructor_id"],
        }
    ).reset_index(drop=True)


def outcome_table(frame: pd.DataFrame, result: pd.DataFrame, season: int) -> None:
    """One model's forecast beside what happened."""
    rows = outcome_rows(frame, result)
    table = rows.drop(columns="constructor_id")
    if table["Retires"].isna().all():
        table = table.drop(columns="Retires")
    st.dataframe(
        badged(table, season, rows["constructor_id"]),
        hide_index=True,
        placeholder="-",
        width="stretch",
        height=full_height(len(table)),
        column_config={
            **forecast_columns(),
            "Finish": st.column_config.NumberColumn("Finish", width=56),
            "Forecast": st.column_config.NumberColumn("Forecast", help="Rank by expected position", width=64),
            "Grid": st.column_config.NumberColumn("Grid", width=56),
            "Scored": st.column_config.NumberColumn("Scored", help="Points of the result", format="%g"),
            "Out": st.column_config.TextColumn(
                "Not classified", help="Why a driver has no finishing position"
            ),
        },
    )


def winners_table(winners: pd.DataFrame, grand_prix: str) -> None:
    """Who won at a circuit, or its Grand Prix elsewhere, newest first. Codes in the colours of their season."""
    table = pd.DataFrame(
        {
            "Season": winners["season"],
            "Code": winners["code"],
            "Winner": winners["driver"],
            "Grid": winners["grid_position"].astype("Int64"),
            "Team": winners["team"],
            "Race": winners["name"].str.replace("Grand Prix", "GP"),
            "Circuit": winners["circuit"],
        }
    )
    if winners["same_circuit"].all():
        table = table.drop(columns=["Circuit", *(["Race"] if winners["name"].nunique() == 1 else [])])
    paint = []
    for season, team in zip(winners["season"], winners["constructor_id"], strict=True):
        # Only colours a team had: the palette for teams that are not listed would make an old Ferrari green.
        colour = team_colour(int(season), team)
        paint.append(
            f"background-color: {colour}; color: {text_on(colour)}; font-weight: 600" if colour else ""
        )
    st.dataframe(
        table.style.apply(lambda _: paint, subset=["Code"], axis=0),
        hide_index=True,
        placeholder="-",
        width="stretch",
        height=full_height(len(table)),
        column_config={
            "Season": st.column_config.NumberColumn("Season", format="%d", width=64),
            "Code": st.column_config.TextColumn("Code", width=56),
            "Grid": st.column_config.NumberColumn("Grid", width=56),
        },
    )
    if not winners["same_circuit"].all():
        st.caption(f"Races at this circuit, and of the {grand_prix} Grand Prix elsewhere.")


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
