"""Words, formats and chart colours of the dashboard, in one place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

HORIZONS: Final = {
    # Newest knowledge first: that is the one a page opens with.
    "pre_race": "After qualifying",
    "pre_sprint": "After sprint qualifying",
    "pre_weekend": "Before the weekend",
}

HORIZON_KNOWS: Final = {
    "pre_race": "After qualifying",
    "pre_sprint": "After sprint qualifying",
    "pre_weekend": "Entry list only",
}

MODELS: Final = {
    "pool": "Pool",
    "plackett_luce": "Plackett-Luce",
    "xgboost_order": "XGBoost order",
    "rating": "Joint rating",
    "ensemble": "Ensemble",
    "xgboost": "XGBoost",
    "random_forest": "Random forest",
    "linear": "Linear",
    "elo": "Elo",
    "elo_share": "Elo share",
    "grid_frequency": "Grid frequency",
    "standings_frequency": "Standings frequency",
    "uniform": "Uniform",
    "market": "Market prices",
}

BASELINES: Final = ("elo_share", "grid_frequency", "standings_frequency", "uniform")
"""What a model has to beat to be worth its name."""

# Okabe and Ito's colours: told apart by colour-blind readers, on light and on dark pages.
MODEL_COLOURS: Final = {
    "pool": "#D55E00",
    "plackett_luce": "#E69F00",
    "xgboost_order": "#8C510A",
    "rating": "#B8A800",
    "ensemble": "#7A4FBF",
    "xgboost": "#0072B2",
    "random_forest": "#009E73",
    "linear": "#CC79A7",
    "elo": "#56B4E9",
    "market": "#C0504D",
}
MODEL_SYMBOLS: Final = {
    "pool": "diamond",
    "plackett_luce": "pentagon",
    "xgboost_order": "hexagram",
    "rating": "hexagon",
    "ensemble": "cross",
    "xgboost": "circle",
    "random_forest": "square",
    "linear": "triangle-up",
    "elo": "star",
    "elo_share": "circle-open",
    "grid_frequency": "square-open",
    "standings_frequency": "triangle-up-open",
    "uniform": "x-thin-open",
}
BASELINE_DASHES: Final = {
    "elo_share": "dash",
    "grid_frequency": "dot",
    "standings_frequency": "dashdot",
    "uniform": "longdash",
}
NEUTRAL: Final = "#8A909A"
OTHER: Final = "#E69F00"


@dataclass(frozen=True, slots=True)
class Metric:
    """A score: how it is called, explained, printed, and which way is better."""

    label: str
    help: str
    format: str
    lower_is_better: bool
    per_race: bool = True
    """Whether one race has it; otherwise it is known of a period only."""


METRICS: Final = {
    "log_loss": Metric(
        "Log loss",
        "Minus the logarithm of the probability given to the driver who won. 0 is perfect, 0.69 means the"
        " winner had 50 %, 2.30 means 10 %.",
        "%.3f",
        True,
    ),
    "brier": Metric(
        "Brier score",
        "Squared distance between the probabilities and what happened, added over the starters.",
        "%.3f",
        True,
    ),
    "rps": Metric(
        "Ranked probability score",
        "How far the probabilities of win, podium, first six and points are from the place of each starter. 0 is"
        " perfect, 1 the worst there is.",
        "%.4f",
        True,
    ),
    "podium_log_loss": Metric(
        "Podium log loss", "Log loss of the podium probability, mean over the starters.", "%.3f", True
    ),
    "top3_accuracy": Metric(
        "Podium named", "Share of the three on the podium that were forecast there.", "%.2f", False
    ),
    "winner_correct": Metric("Winner named", "Share of races whose favourite won.", "%.2f", False),
    "winner_probability": Metric(
        "Probability of the winner", "Mean probability given to the driver who won.", "%.2f", False
    ),
    "retirement_log_loss": Metric(
        "Retirement log loss", "Log loss of the retirement probability, mean over the starters.", "%.3f", True
    ),
    "rank_error": Metric(
        "Rank error", "Mean distance between the forecast rank and the finishing rank.", "%.2f", True
    ),
    "spearman": Metric(
        "Rank correlation", "Spearman correlation of the forecast and the finishing order.", "%.2f", False
    ),
    "calibration_error": Metric(
        "Calibration error",
        "Distance between what was forecast and what happened, over ten bins of the win probability. It says nothing"
        " of how much a forecast knows: one that never commits itself has 0.",
        "%.4f",
        True,
        per_race=False,
    ),
    "calibration_error_even": Metric(
        "Calibration error, even bins",
        "The same over ten bins that hold equally many drivers: the favourites of all races share one, so chance weighs"
        " less.",
        "%.4f",
        True,
        per_race=False,
    ),
}


def in_order(found: Iterable[str], order: Iterable[str]) -> list[str]:
    """What was found, in the order given; what the order does not name comes last, by name."""
    names = set(found)
    known = [name for name in order if name in names]
    return known + sorted(names - set(known))


def horizon_label(horizon: str) -> str:
    """How a horizon is called."""
    return HORIZONS.get(horizon, horizon.replace("_", " ").capitalize())


def model_label(model: str) -> str:
    """How a model is called; a baseline says that it is one."""
    label = MODELS.get(model, model.replace("_", " ").capitalize())
    return f"{label} (baseline)" if model in BASELINES else label


def model_colour(model: str) -> str:
    """Line and marker colour of a model; baselines are grey."""
    return MODEL_COLOURS.get(model, NEUTRAL if model in BASELINES else OTHER)


def percent(probability: float) -> str:
    """A probability as people read it; what is not zero never looks like zero."""
    if 0 < probability < 0.001:
        return "<0.1 %"
    return f"{probability * 100:.1f} %"


def zone(name: str | None) -> ZoneInfo | None:
    """The time zone of that name, or None if there is none (a browser may say anything)."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


def day(date: dt.date) -> str:
    """A date without doubt about the order of day and month: Sunday 26 July 2026."""
    return f"{date:%A} {date.day} {date:%B %Y}"


def utc_minute(moment: dt.datetime) -> str:
    """A moment in UTC, to the minute: 25 July 2026 15:40 UTC."""
    moment = moment.astimezone(dt.UTC)
    return f"{moment.day} {moment:%B %Y %H:%M} UTC"


def start_times(start_at: dt.datetime, viewer: ZoneInfo | None, track: ZoneInfo | None) -> tuple[str, str]:
    """When a race starts: the viewer's time, then the track's and UTC beside it.

    The day is named again wherever it is another one (Las Vegas starts on Saturday, in UTC on Sunday).
    """
    first = viewer or track or dt.UTC
    local = start_at.astimezone(first)

    def beside(place: str, other: ZoneInfo | dt.timezone) -> str:
        there = start_at.astimezone(other)
        text = f"{there:%H:%M} {place}"
        return text if there.date() == local.date() else f"{there:%A} {text}"

    main = f"{day(local.date())}, {local:%H:%M}"
    others: list[str] = []
    if viewer is not None:
        main += " your time"
        if track is not None:
            others.append(beside(f"at the track ({track.key})", track))
    elif track is not None:
        main += f" at the track ({track.key})"
    else:
        main += " UTC"
    if viewer is not None or track is not None:
        others.append(beside("UTC", dt.UTC))
    return main, " · ".join(others)


def plural(count: int, word: str) -> str:
    """A count with its noun: 1 day, 2 days."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def words(identifier: object) -> str:
    """An id of the source as words: ``coventry-climax`` is Coventry Climax, ``brm`` BRM; nothing where there is none."""
    if not isinstance(identifier, str):
        return ""
    return (
        identifier.upper() if len(identifier) <= 3 else identifier.replace("-", " ").replace("_", " ").title()
    )


SESSIONS: Final = {
    "FP1": "First practice",
    "SQ": "Sprint qualifying",
    "S": "Sprint",
    "Q": "Qualifying",
    "R": "Race",
}

REASONS: Final = {
    # How a group of features is called, and its colour (Okabe and Ito).
    "rating": ("Pace rating of car and driver", "#0072B2"),
    "weekend": ("Qualifying and grid", "#E69F00"),
    "driver": ("Driver's season so far", "#CC79A7"),
    "constructor": ("Team's season so far", "#009E73"),
    "circuit": ("Record at this circuit", "#56B4E9"),
    "xgboost_order": ("Boosted trees, all features", "#8C6D46"),
    "random_forest": ("Random forest, all features", "#A9ACB3"),
    "retirement": ("Chances to retire", "#D55E00"),
    "floor": ("Least chance that counts", "#D9D9D9"),
}


def reason_label(group: str) -> str:
    """How a group of features is called."""
    return REASONS[group][0] if group in REASONS else group.replace("_", " ").capitalize()


def local_time(moment: dt.datetime, zone_: ZoneInfo | None) -> str:
    """Day and time in a zone, short enough for a table: Sun 26 Jul 15:00."""
    there = moment.astimezone(zone_ or dt.UTC)
    return f"{there:%a} {there.day} {there:%b %H:%M}"
