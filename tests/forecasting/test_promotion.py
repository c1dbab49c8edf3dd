"""The decision between two recipes, on arrays; and the walk-forward that makes them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1_pipeline.errors import RecipeInvalid
from f1_pipeline.forecasting.models import MODELS, checked, make, recipe_parameters
from f1_pipeline.forecasting.models.base import WinModel
from f1_pipeline.forecasting.promotion import MIN_RACES, compare, race_losses, walk_forward
from f1_pipeline.forecasting.scoring import bootstrap_mean, score_races

LOSSES = st.lists(st.floats(0.01, 27.0), min_size=1, max_size=60)


def _losses(values: Any) -> pd.Series:
    return pd.Series(np.asarray(values, dtype=float), index=[f"r{i:02}" for i in range(len(values))])


# --- the decision ----------------------------------------------------------------------------------------


def test_clearly_better_is_promoted() -> None:
    champion = _losses(np.linspace(0.5, 3.0, 40))
    challenger = champion - np.tile([0.1, 0.3], 20)
    found = compare(challenger, champion)
    assert found.promoted
    assert found.races == 40
    assert found.difference == pytest.approx(-0.2)
    assert (found.difference, found.low, found.high) == bootstrap_mean((challenger - champion).to_numpy())
    assert (found.challenger, found.champion) == pytest.approx((challenger.mean(), champion.mean()))
    assert found.reason.startswith("better")
    assert compare(champion, challenger).reason.startswith("worse")


def test_a_lower_mean_alone_is_not_enough() -> None:
    rng = np.random.default_rng(3)
    champion = _losses(rng.uniform(0.5, 3.0, 22))
    noise = rng.normal(0, 0.5, 22)
    challenger = champion + noise - noise.mean() - 0.05
    found = compare(challenger, champion)
    assert found.difference == pytest.approx(-0.05)
    assert found.low < 0 < found.high
    assert not found.promoted
    assert found.reason.startswith("not shown to be better")


def test_a_season_is_needed() -> None:
    champion = _losses(np.full(MIN_RACES, 2.0))
    assert compare(champion - 0.5, champion).promoted
    assert not compare((champion - 0.5).iloc[1:], champion.iloc[1:]).promoted


def test_only_the_same_races_are_compared() -> None:
    champion = _losses(np.full(30, 2.0))
    for other in (champion.iloc[1:], champion.rename({"r00": "x"}), pd.concat([champion, champion.iloc[:1]])):
        with pytest.raises(ValueError, match="same races"):
            compare(other - 1, champion)


@given(LOSSES)
def test_a_recipe_never_beats_itself(values: list[float]) -> None:
    found = compare(_losses(values), _losses(values))
    assert not found.promoted
    assert (found.difference, found.low, found.high) == (0, 0, 0)


@given(LOSSES, st.randoms())
def test_races_are_paired_by_name(values: list[float], random: Any) -> None:
    challenger, champion = _losses(values), _losses(values[::-1])
    orders = [list(champion.index), list(champion.index)]
    for order in orders:
        random.shuffle(order)
    assert compare(challenger, champion) == compare(challenger.loc[orders[0]], champion.loc[orders[1]])


@given(LOSSES, LOSSES)
def test_of_two_recipes_at_most_one_is_better(one: list[float], other: list[float]) -> None:
    races = min(len(one), len(other))
    left, right = _losses(one[:races]), _losses(other[:races])
    there, back = compare(left, right), compare(right, left)
    assert not (there.promoted and back.promoted)
    assert there.difference == pytest.approx(-back.difference, abs=1e-9)
    assert there.low - 1e-9 <= there.difference <= there.high + 1e-9


# --- the walk --------------------------------------------------------------------------------------------


class Counting(WinModel):
    """Strength: wins so far. Remembers what it was shown."""

    seen: list[tuple[int, int]] = []  # noqa: RUF012  (last race learnt from, first race forecast)

    def features(self) -> list[str]:
        return []

    def fit(self, rows: pd.DataFrame) -> "Counting":
        self.last_ = int(rows["order"].max())
        self.wins_ = rows[rows["finish"] == 1].groupby("driver_id").size()
        return self

    def strengths(self, rows: pd.DataFrame) -> Any:
        assert "finish" not in rows
        assert "position" not in rows
        self.seen.append((self.last_, int(rows["order"].min())))
        return rows["driver_id"].map(self.wins_).fillna(0).to_numpy(dtype=float) + 0.5


def _world(seasons: int = 6, races: int = 4, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Entries of all races, and the starters among them: ``d5`` never gets away."""
    rng = np.random.default_rng(seed)
    matrix = pd.DataFrame(
        [
            {"race_key": f"{2010 + s}-{r}", "season": 2010 + s, "order": s * races + r, "driver_id": f"d{d}"}
            for s in range(seasons)
            for r in range(races)
            for d in range(6)
        ]
    )
    rows = matrix[matrix["driver_id"] != "d5"].reset_index(drop=True)
    rank = rows.groupby("race_key")["order"].transform(lambda group: rng.permutation(len(group)) + 1.0)
    return matrix, rows.assign(finish=rank.to_numpy(), position=rank.to_numpy())


def test_each_season_is_forecast_from_those_before() -> None:
    matrix, rows = _world()
    Counting.seen.clear()
    losses = walk_forward(Counting, matrix, rows, 2013, 1990)
    assert Counting.seen == [(11, 12), (15, 16), (19, 20)]
    assert losses.index.tolist() == [key for key in matrix["race_key"].unique() if key >= "2013"]
    early = walk_forward(Counting, matrix, rows, 1950, 1990)
    assert early.index[0] == "2012-0", "two seasons to learn from"
    assert walk_forward(Counting, matrix, rows, 2016, 1990).empty


def test_nothing_of_a_race_or_later_reaches_its_score() -> None:
    matrix, rows = _world()
    _, other = _world(seed=2)
    late = rows["season"] >= 2014
    shuffled = rows.assign(
        finish=rows["finish"].where(~late, other["finish"]),
        position=rows["position"].where(~late, other["position"]),
    )
    before, after = (walk_forward(Counting, matrix, frame, 2012, 1990) for frame in (rows, shuffled))
    early = before.index < "2014"
    pd.testing.assert_series_equal(before[early], after[early])
    assert (before[~early] != after[~early]).any()


def test_races_to_come_are_left_out() -> None:
    matrix, rows = _world()
    raced = rows[rows["order"] < 22]
    losses = walk_forward(Counting, matrix, raced, 2015, 1990)
    assert losses.index.tolist() == ["2015-0", "2015-1"]


def test_the_score_is_the_published_one() -> None:
    """Over the starters; a starter without a forecast has none of the probability."""
    matrix, rows = _world()
    model = Counting().fit(rows[rows["season"] < 2015])
    coming = matrix[matrix["season"] == 2015]
    forecast = coming.assign(win_probability=model.win_probability(coming))
    forecast = forecast[(forecast["driver_id"] != "d2") | (forecast["race_key"] == "2015-1")]
    starters = rows[rows["season"] == 2015]
    published = score_races(
        forecast.assign(
            horizon="pre_race", model="m", model_version=1, podium_probability=0.5, expected_position=1.0
        ),
        starters,
    ).set_index("race_key")["log_loss"]
    pd.testing.assert_series_equal(
        race_losses(forecast, starters), published, check_names=False, check_exact=False, rtol=1e-12
    )


# --- recipes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(MODELS))
def test_the_defaults_of_every_model_are_a_recipe(name: str) -> None:
    recipe = checked(name, {})
    assert recipe
    assert not {"horizon", "seed"} & set(recipe)
    assert checked(name, recipe) == recipe
    model = make(name, "pre_race", 5, recipe)
    assert model.hyperparameters() == make(name, "pre_race", 5).hyperparameters()
    assert MODELS[name].recipe >= 1


def test_what_is_stored_comes_back() -> None:
    model = make("random_forest", "pre_race", 5, {"depth": 3, "seed": 9, "horizon": "pre_weekend", "gone": 1})
    assert model.hyperparameters() == {"horizon": "pre_race", "trees": 100, "depth": 3, "seed": 5}
    assert recipe_parameters("elo", {}) == {"penalty": 1.0}


def test_values_are_checked_by_the_type_of_the_default() -> None:
    assert checked("elo", {"penalty": 40}) == {"penalty": 40.0}
    for value in (10.0, "10", True, None):
        with pytest.raises(RecipeInvalid, match="is no int; the default is 100"):
            checked("random_forest", {"trees": value})
    with pytest.raises(RecipeInvalid, match="no trained model 'pool'"):
        checked("pool", {})
