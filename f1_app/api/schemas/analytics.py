"""Answers for analysts: scores of models, a driver's results and ratings, what a circuit is like."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from f1_app.api.schemas.base import SOURCE, Page, Part, Probability, Table, example, table
from f1_app.api.schemas.listings import CIRCUIT, Circuit


class Mean(Part):
    """A score of a model over many races."""

    model: str
    horizon: str
    score: str = Field(
        description="`log_loss`, `brier`, `calibration_error` and others; see the methodology."
    )
    races: int
    mean: float | None
    low: float | None = Field(description="95 % interval from resampling races.")
    high: float | None


class RaceScore(Part):
    """Scores of one model for one race."""

    race_key: str
    season: int
    round: int | None
    name: str
    date: dt.date
    horizon: str
    model: str
    model_version: int
    starters: int
    log_loss: float
    brier: float
    binary_brier: float | None
    rps: float | None = Field(description="Ranked probability score of the finishing positions.")
    podium_log_loss: float
    retirement_log_loss: float | None
    top3_accuracy: Probability
    spearman: float | None
    rank_error: float
    winner_correct: bool
    winner_probability: Probability
    predicted_winner: str
    actual_winner: str
    scored_at: dt.datetime


class Accuracy(Page):
    """How good forecasts were: means over the period, and single races, newest first."""

    model_config = example(
        total=1,
        limit=100,
        offset=0,
        source=SOURCE,
        period="2026",
        means=[
            {
                "model": "pool",
                "horizon": "pre_race",
                "score": "log_loss",
                "races": 11,
                "mean": 1.21,
                "low": 0.88,
                "high": 1.57,
            }
        ],
        items=[
            {
                "race_key": "2026-hungary",
                "season": 2026,
                "round": 11,
                "name": "Hungarian Grand Prix",
                "date": "2026-07-26",
                "horizon": "pre_race",
                "model": "pool",
                "model_version": 46,
                "starters": 22,
                "log_loss": 0.92,
                "brier": 0.55,
                "binary_brier": 0.025,
                "rps": 0.11,
                "podium_log_loss": 0.21,
                "retirement_log_loss": 0.34,
                "top3_accuracy": 0.67,
                "spearman": 0.71,
                "rank_error": 3.4,
                "winner_correct": True,
                "winner_probability": 0.4,
                "predicted_winner": "lando-norris",
                "actual_winner": "lando-norris",
                "scored_at": "2026-07-27T06:10:00Z",
            }
        ],
    )
    period: str = Field(description="Of the means: `all`, or the season asked for.")
    means: list[Mean]
    items: list[RaceScore]

    def table(self) -> Table:
        """A row a race, model and horizon."""
        return table(RaceScore, self.items)


class DriverRace(Part):
    """One race of a driver: what he did, and how he was rated."""

    race_key: str
    season: int
    round: int | None
    name: str
    date: dt.date
    constructor_id: str | None
    team: str | None
    grid_position: int | None
    position: int | None
    position_text: str | None = Field(description="Place or code of the outcome; null before the race.")
    qualifying_position: int | None
    sprint_position: int | None
    reason_retired: str | None
    points: float | None
    elo_before: float | None
    elo_after: float | None = Field(description="Null before the race.")
    joint_rating: float | None = Field(
        description="Team and driver together before the race, in per cent of a lap against the mean of the field."
    )
    joint_rating_sd: float | None = Field(description="Its standard deviation.")
    driver_rating: float | None = Field(
        description="His own part of it, against the mean of the drivers of the race."
    )


class DriverPerformance(Page):
    """A driver's results and the evolution of his ratings, newest race first."""

    model_config = example(
        total=1,
        limit=100,
        offset=0,
        source=SOURCE,
        driver_id="lando-norris",
        code="NOR",
        driver="Lando Norris",
        horizon="pre_weekend",
        items=[
            {
                "race_key": "2026-hungary",
                "season": 2026,
                "round": 11,
                "name": "Hungarian Grand Prix",
                "date": "2026-07-26",
                "constructor_id": "mclaren",
                "team": "McLaren",
                "grid_position": 2,
                "position": 1,
                "position_text": "1",
                "qualifying_position": 2,
                "sprint_position": None,
                "reason_retired": None,
                "points": 25.0,
                "elo_before": 1811.2,
                "elo_after": 1822.9,
                "joint_rating": 1.12,
                "joint_rating_sd": 0.14,
                "driver_rating": 0.31,
            }
        ],
    )
    driver_id: str
    code: str | None
    driver: str
    horizon: str = Field(description="What the joint rating knew.")
    items: list[DriverRace]

    def table(self) -> Table:
        """A row a race."""
        return table(DriverRace, self.items, {"driver_id": self.driver_id})


class TrackCoefficients(Part):
    """What a circuit does to a race, over the races of the answer."""

    races: int
    pole_wins: int
    pole_share: Probability | None = Field(description="Share of the races that the first on the grid won.")
    rank_correlation: float | None = Field(
        description="Rank correlation of grid and finish, mean over races."
    )
    mean_move: float | None = Field(description="Places between grid and finish, mean without sign.")
    retirement_share: Probability | None = Field(description="Share of the cars that started and retired.")
    retirement_circuit: float | None = Field(
        description="What the models use at the newest race: logarithm of the retirements over those expected of the cars."
    )


class TrackRace(Part):
    """The same of one race, among classified cars, and what the models knew of the circuit before it."""

    race_key: str
    season: int
    date: dt.date
    starters: int
    retired: int
    pole_won: bool | None = Field(description="Null where the grid is not known.")
    winner_grid: int | None = Field(
        description="Place on the grid of the winner; null for the pit lane or unknown."
    )
    rank_correlation: float | None
    mean_move: float | None
    best_climb: int | None = Field(description="Most places gained.")
    track_length_km: float | None
    turn_count: int | None
    elevation_m: float | None
    retirement_circuit: float | None


class Track(Page):
    """What a circuit is like: coefficients over its races since a season, and each race, newest first."""

    model_config = example(
        total=1,
        limit=100,
        offset=0,
        source=SOURCE,
        circuit=CIRCUIT,
        from_season=2014,
        coefficients={
            "races": 5,
            "pole_wins": 3,
            "pole_share": 0.6,
            "rank_correlation": 0.71,
            "mean_move": 2.9,
            "retirement_share": 0.12,
            "retirement_circuit": -0.08,
        },
        items=[
            {
                "race_key": "2025-netherlands",
                "season": 2025,
                "date": "2025-08-31",
                "starters": 20,
                "retired": 3,
                "pole_won": True,
                "winner_grid": 1,
                "rank_correlation": 0.68,
                "mean_move": 3.1,
                "best_climb": 9,
                "track_length_km": 4.259,
                "turn_count": 14,
                "elevation_m": 6.0,
                "retirement_circuit": -0.07,
            }
        ],
    )
    circuit: Circuit
    from_season: int
    coefficients: TrackCoefficients
    items: list[TrackRace]

    def table(self) -> Table:
        """A row a race."""
        return table(TrackRace, self.items, {"circuit_id": self.circuit.circuit_id})
