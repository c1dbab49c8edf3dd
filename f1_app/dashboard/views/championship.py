"""Championship: who will be champion, seen from before any race, and what the next race would change."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from f1_app import queries
from f1_app.dashboard import charts, data, style
from f1_app.dashboard.charts_matrix import matrix
from f1_app.dashboard.charts_season import (
    distinct_codes,
    final_points_chart,
    places_in_team,
    season_lines,
)
from f1_app.dashboard.components import messages
from f1_app.dashboard.components.picker import choose
from f1_app.dashboard.components.season import (
    KINDS,
    by_key,
    championship_table,
    on_dark_page,
    pick_kind,
    race_label,
    scenario_frame,
)

PAGE = "championship"
# Lines of the title chart: who never had this chance is a line along the bottom.
WORTH_A_LINE = 0.01
MOST_LINES = 10


def _pick_race(season: int, following: str | None) -> pd.Series[Any]:
    races = data.read(queries.championship.championship_races, season).pipe(by_key)
    keys = list(races)
    chosen = choose(
        "As it stood before",
        keys,
        page=PAGE,
        name="race",
        default=following if following in keys else keys[0],
        show=lambda key: race_label(races[key]),
        pinned=True,
    )
    return races[chosen]


def _provenance(frame: pd.DataFrame) -> None:
    row = frame.iloc[0]
    st.caption(
        f"**Cutoff {style.utc_minute(row['cutoff'])}** · {int(row['draws']):,} seasons drawn · data release"
        f" {row['data_release']} · made {style.utc_minute(row['created_at'])}"
    )


def _headline(frame: pd.DataFrame, race: pd.Series[Any], final: pd.DataFrame, kind: str) -> None:
    left = int(frame["races_left"].iloc[0])
    st.markdown(
        f"Before round {race['round']:.0f}, the {race['name']}"
        if pd.notna(race["round"])
        else f"Before the {race['name']}"
    )
    for column, (_, row) in zip(st.columns(3), frame.head(3).iterrows(), strict=False):
        column.metric(
            row["name"] if row["code"] == row["name"] else f"{row['code']} · {row['name']}",
            style.percent(row["title_probability"]),
            delta=f"{row['points']:g} points, final {row['points_low']:.0f} to {row['points_high']:.0f} (90 %)",
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
        )
    able = frame[frame["can_win"]]
    likely = int((frame["title_probability"] >= WORTH_A_LINE).sum())
    word = KINDS[kind].lower()
    races = style.plural(left, "race")
    if len(able) == 1:
        text = (
            f"**{able['name'].iloc[0]} is champion** whatever happens: {races} left, and nobody can catch up."
        )
    else:
        text = (
            f"{races} left. By the points that are left, **{len(able)} of {len(frame)} {word} can still be champion**;"
            f" {likely} with a chance of 1 % or more."
        )
    if not final.empty and len(able) > 1:
        first = frame[frame["entity_id"].isin(final.index[final["position"] == 1])]
        text += "".join(
            f" In the end it was **{row['name']}** with {final['points'][row['entity_id']]:g} points."
            for _, row in first.iterrows()
        )
    st.markdown(text)


def _title_chart(
    history: pd.DataFrame, season: int, kind: str, race_key: str, final: pd.DataFrame, mates: dict[str, int]
) -> None:
    order = {key: place for place, key in enumerate(history["race_key"].unique())}
    names = history.drop_duplicates("race_key").set_index("race_key")
    best = history.groupby("entity_id")["title_probability"].max().sort_values(ascending=False)
    shown = [key for key in best.index if best[key] >= WORTH_A_LINE][:MOST_LINES] or list(best.index[:3])
    lines = history[history["entity_id"].isin(shown)].assign(
        x=lambda rows: rows["race_key"].map(order),
        y=lambda rows: rows["title_probability"] * 100,
        when=lambda rows: "before the " + rows["race"],
    )
    ticks = [
        (float(place), f"{names['round'][key]:.0f}" if pd.notna(names["round"][key]) else "")
        for key, place in order.items()
    ]
    if not final.empty:
        end = float(len(order))
        last = lines.drop_duplicates("entity_id", keep="last")
        champions = set(final.index[final["position"] == 1])
        lines = pd.concat(
            [
                lines,
                last.assign(
                    x=end,
                    y=[100.0 if key in champions else 0.0 for key in last["entity_id"]],
                    when="after the season",
                ),
            ]
        )
        ticks.append((end, "end"))
    step = max(1, len(ticks) // 12)
    ticks = [tick for place, tick in enumerate(ticks) if place % step == 0 or tick[1] == "end"]
    st.subheader("Title probability over the season", anchor=False)
    st.plotly_chart(
        season_lines(
            lines,
            season,
            ticks,
            title="Before round",
            suffix=" %",
            mark=float(order[race_key]) if race_key != list(order)[-1] else None,
            top=100.0,
            mates=mates,
        ),
        width="stretch",
        config=charts.CONFIG,
        key="title-chart",
    )
    by_dash = " Team-mates share a colour and differ in the dash." if kind == "driver" else ""
    st.caption(
        f"Everybody who ever had a chance of 1 % ({MOST_LINES} at most). Each forecast knew nothing but what was known"
        f" before its race.{by_dash}"
    )


def _final_positions(frame: pd.DataFrame, race_key: str, kind: str) -> None:
    st.subheader("Final position", anchor=False)
    positions = data.read(queries.championship.final_positions, race_key, kind)
    if positions.empty:
        messages.nothing("No probabilities of final places.", "Run `f1 update` to make them.")
        return
    wide = positions.pivot(index="entity_id", columns="position", values="probability")
    labels = distinct_codes(frame)
    ordered = frame.sort_values(["expected_position", "entity_id"])["entity_id"]
    wide = wide.reindex(ordered).rename(index=labels)
    st.plotly_chart(
        matrix(wide, hover="<b>%{y}</b> place %{x}<br>%{customdata}", dark_page=on_dark_page()),
        width="stretch",
        config=charts.CONFIG,
        key="final-positions",
    )
    st.caption(
        "Chance of each final place in per cent, by expected place. Rows and columns each add up to 100."
    )


def _what_if(frame: pd.DataFrame, race: pd.Series[Any], kind: str) -> None:
    st.subheader(f"What if: the {race['name']}", anchor=False)
    rows = data.read(queries.championship.scenarios, str(race["race_key"]), kind)
    if rows.empty:
        messages.nothing(
            "No scenarios for this race.",
            "They are made for the next race while the title is open, and kept once it is run.",
        )
        return
    wanted = [str(key) for key in rows["driver_id"].unique()]
    names = data.read(queries.championship.championship, str(race["race_key"]), "driver").set_index(
        "entity_id"
    )
    wanted.sort(key=lambda key: -float(names["title_probability"].get(key, 0.0)))
    driver = choose(
        "If the driver",
        wanted,
        page=PAGE,
        name="driver",
        default=wanted[0],
        show=lambda key: f"{names['code'][key]} · {names['name'][key]}" if key in names.index else key,
    )
    table = scenario_frame(rows[rows["driver_id"] == driver], frame)
    code = names["code"][driver] if driver in names.index else driver
    st.plotly_chart(
        matrix(
            table,
            hover=f"<b>%{{y}}</b> champion with %{{customdata}}<br>{code}: %{{x}}",
            dark_page=on_dark_page(),
            row_pixels=34,
            decimals=1,
        ),
        width="stretch",
        config=charts.CONFIG,
        key="what-if",
    )
    st.caption(
        f"Title chances in per cent, given the place of {code} in this race; below each place, how likely it is. *Now*: as"
        " it stands before the race. Places that were drawn too rarely to say anything are left out."
    )


def render() -> None:
    """Draw the page."""
    st.title("Championship", anchor=False)
    seasons = [str(season) for season in data.read(queries.championship.championship_seasons)]
    if not seasons:
        messages.nothing(
            "No championship has been forecast yet.",
            "Forecasts of the championship are made with those of the races: run `f1 update`.",
        )
        return
    state = data.state()
    following = state.next.race_key if state and state.next else None
    first, second, third = st.columns([3, 2, 4], vertical_alignment="bottom")
    with first:
        kind = pick_kind(PAGE)
    named = st.query_params.get("race", "").split("-")[0]
    with second:
        season = int(
            choose(
                "Season",
                seasons,
                page=PAGE,
                name="season",
                default=named if named in seasons else seasons[0],
            )
        )
    with third:
        race = _pick_race(season, following)
    race_key = str(race["race_key"])
    frame = data.read(queries.championship.championship, race_key, kind)
    if frame.empty:
        messages.nothing(
            f"No forecast of the {KINDS[kind].lower()}' championship before this race.", "Run `f1 update`."
        )
        return
    if state is not None and race_key == following:
        messages.late(state)
    final = data.read(queries.championship.outcome, season, kind)
    _headline(frame, race, final, kind)
    _provenance(frame)
    history = data.read(queries.championship.title_history, season, kind)
    mates = places_in_team(history)
    _title_chart(history, season, kind, race_key, final, mates)
    left, right = st.columns([4, 5], gap="medium")
    with left:
        st.subheader("Final points", anchor=False)
        by_points = frame.sort_values(["expected_points", "points"], ascending=False)
        st.plotly_chart(
            final_points_chart(by_points, season, final, mates),
            width="stretch",
            config=charts.CONFIG,
            key="final-points",
        )
        st.caption(
            "Bar: points so far. Diamond: expected at the end, with the band of 90 %."
            + (" Cross: what came of it." if not final.empty else "")
        )
    with right:
        st.subheader("Who can still win", anchor=False)
        championship_table(frame, season, kind, final)
    _final_positions(frame, race_key, kind)
    _what_if(frame, race, kind)


if __name__ == "__main__":
    render()
