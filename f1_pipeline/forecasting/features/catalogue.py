"""The list of features: what each is called, when it is known, and what to assume when it is missing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Feature:
    """One column of the feature matrix.

    ``horizon``: the earliest horizon at which it is known. ``group``: what it speaks of. ``audience``: which models
    see it: ``all``; ``order``, the order models only (the classic baselines stay what people know); ``retirement``, the
    retirement model only; ``interval``, for the intervals of order models and no forecast; ``none``, weather: it is that of
    forecasts made before the race, which no race of the past has, so there is nothing to learn from.
    """

    name: str
    group: str
    horizon: str = "pre_weekend"
    audience: str = "all"


FEATURES: tuple[Feature, ...] = (
    Feature("recent_avg_finish", "driver"),
    Feature("recent_points", "driver"),
    Feature("current_elo", "driver"),
    Feature("wins_this_season", "driver"),
    Feature("podiums_this_season", "driver"),
    Feature("avg_grid_position", "driver"),
    Feature("dnf_rate", "driver"),
    Feature("constructor_elo", "constructor"),
    Feature("joint_rating", "rating", audience="order"),
    Feature("joint_rating_sd", "rating", audience="order"),
    Feature("joint_rating_own_sd", "rating", audience="interval"),
    Feature("team_rating", "rating", audience="order"),
    Feature("driver_rating", "rating", audience="order"),
    *(
        Feature(f"retirement_{of}", "reliability", audience="retirement")
        for of in ("field", "team", "driver", "circuit")
    ),
    Feature("constructor_wins_this_season", "constructor"),
    Feature("avg_points_per_race", "constructor"),
    Feature("reliability_score", "constructor"),
    Feature("championship_position", "driver"),
    Feature("driver_wins_at_circuit", "circuit"),
    Feature("driver_avg_finish_at_circuit", "circuit"),
    Feature("track_length_km", "circuit"),
    Feature("turn_count", "circuit"),
    Feature("elevation_m", "circuit"),
    Feature("temperature_c", "weather", audience="none"),
    Feature("precipitation_mm", "weather", audience="none"),
    Feature("wind_kmh", "weather", audience="none"),
    Feature("is_wet", "weather", audience="none"),
    Feature("grid_position", "weekend", "pre_race"),
    Feature("starts_from_pit_lane", "weekend", "pre_race"),
    Feature("qualifying_position", "weekend", "pre_race"),
    Feature("gap_to_pole_pct", "weekend", "pre_race"),
)


_SEEN_BY = {
    "classic": ("all",),
    "order": ("all", "order"),
    "any model": ("all", "order", "retirement"),
    "everyone": ("all", "order", "retirement", "interval", "none"),
}


def names(horizon: str, seen_by: str = "everyone") -> list[str]:
    """Feature names known at a horizon (``pre_weekend`` or ``pre_race``), in catalogue order.

    ``seen_by``: ``classic`` or ``order`` models, ``any model``, or ``everyone`` for the whole matrix.
    """
    return [
        feature.name
        for feature in FEATURES
        if (horizon == "pre_race" or feature.horizon == "pre_weekend")
        and feature.audience in _SEEN_BY[seen_by]
    ]
