"""The only SQL of the app, a module a topic. Every query is limited to the race or season asked for.

Single things come back as frozen dataclasses, tables as data frames; both can be cached. Times are
aware UTC datetimes, probabilities are in [0, 1] as the tables hold them: rounding and percent signs
belong to the pages.
"""

from f1_app.queries import (
    calendar,
    cars,
    championship,
    circuits,
    data_state,
    distributions,
    drivers,
    forecasts,
    health,
    listings,
    published,
    races,
    ratings,
    score_pages,
    scores,
    sprints,
    standings,
    state,
    teams,
    venues,
    weekends,
)

__all__ = [
    "calendar",
    "cars",
    "championship",
    "circuits",
    "data_state",
    "distributions",
    "drivers",
    "forecasts",
    "health",
    "listings",
    "published",
    "races",
    "ratings",
    "score_pages",
    "scores",
    "sprints",
    "standings",
    "state",
    "teams",
    "venues",
    "weekends",
]
