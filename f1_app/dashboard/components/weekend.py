"""The days around a race: when the sessions start, and the newest weather forecast for them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from f1_app import queries
from f1_app.dashboard import data, style
from f1_app.records import Race

_PROVIDERS = {
    "open-meteo": "[Open-Meteo](https://open-meteo.com/) (CC BY 4.0)",
    "openweathermap": "OpenWeatherMap",
}


def timetable(sessions: pd.DataFrame, weather: pd.DataFrame, race: Race, viewer: str | None) -> pd.DataFrame:
    """A row a session: the viewer's time, the track's, and the weather where it was forecast."""
    mine, track = style.zone(viewer), style.zone(race.time_zone)
    table = pd.DataFrame(
        {
            "Session": [style.SESSIONS.get(name, name) for name in sessions["session"]],
            "Your time" if mine else "UTC": [style.local_time(at, mine) for at in sessions["start_at"]],
        }
    )
    if track is not None:
        table["At the track"] = [style.local_time(at, track) for at in sessions["start_at"]]
    if not weather.empty:
        found = weather.set_index("session").reindex(sessions["session"])
        table["°C"] = found["temperature_c"].to_numpy()
        table["Rain %"] = found["precipitation_probability"].to_numpy() * 100
        table["Rain mm"] = found["precipitation_mm"].to_numpy()
        table["Wind km/h"] = found["wind_kmh"].to_numpy()
    return table


def weekend(race: Race) -> None:
    """Timetable and weather of a weekend; nothing where neither is known."""
    sessions = data.read(queries.weekends.sessions, race.race_key)
    weather = data.read(queries.weekends.weather, race.race_key)
    if sessions.empty:
        return
    st.subheader("The weekend", anchor=False)
    st.dataframe(
        timetable(sessions, weather, race, st.context.timezone),
        hide_index=True,
        placeholder="-",
        width="stretch",
        column_config={
            "°C": st.column_config.NumberColumn("°C", help="Air temperature, mean", format="%.0f"),
            "Rain %": st.column_config.NumberColumn(
                "Rain %", help="Highest probability of rain of an hour of the session", format="%.0f"
            ),
            "Rain mm": st.column_config.NumberColumn(
                "Rain mm", help="Rain over the session; 0.3 mm or more counts as wet", format="%.1f"
            ),
            "Wind km/h": st.column_config.NumberColumn("Wind km/h", help="Mean", format="%.0f"),
        },
    )
    if weather.empty:
        st.caption("No weather forecast was taken for this weekend.")
        return
    newest = weather["issued_at"].max()
    by = ", ".join(_PROVIDERS.get(name, name) for name in sorted(set(weather["provider"])))
    wet = weather.loc[weather["session"] == "R", "is_wet"]
    expected = ""
    if len(wet) and pd.notna(wet.iloc[0]):
        expected = f"A {'wet' if bool(wet.iloc[0]) else 'dry'} race is forecast. "
    st.caption(
        f"{expected}Weather forecast of {style.utc_minute(newest)} by {by}. It is shown for you; no model reads it."
    )
