"""The shuffle test: everything that was not known is given to others, and nothing that was computed before may change."""

import numpy as np
import pandas as pd

from f1_pipeline.forecasting.features import HORIZONS
from f1_pipeline.forecasting.history import build_history
from f1_pipeline.forecasting.joint_rating import Championships, joint_ratings
from f1_pipeline.forecasting.joint_state import JointConfig
from tests.forecasting.features.worlds import (
    FORECASTS,
    OUTCOMES,
    RATING,
    WEATHER,
    WEEKEND,
    WHO,
    Computed,
    Tables,
    compute,
)

Known = dict[str, list[str]]
"""The tables, and their sessions where they name them, that are known of the weekend itself."""
BEFORE_SPRINT: Known = {
    "practice_results": ["FP1", "FP2", "FP3"],
    "qualifying_results": ["SQ"],
    "starting_grid": ["S"],
}
BEFORE_RACE: Known = {
    "practice_results": ["FP1", "FP2", "FP3"],
    "qualifying_results": ["SQ", "Q"],
    "starting_grid": ["S", "R"],
    "sprint_results": [],
}


def scramble(tables: Tables, race_key: str, seed: int, known: Known | None = None) -> Tables:
    """The same world with everything that happened from the race on given to other drivers, but for what is known.

    Results of the race itself are dropped. Entries are known before a race and stay.
    """
    rng = np.random.default_rng(seed)
    races = tables["races"].sort_values(["date", "race_key"])
    at = races["race_key"].tolist().index(race_key)
    late = set(races["race_key"].iloc[at:])
    changed = dict(tables)
    for name in OUTCOMES:
        frame = tables[name]
        if name == "race_results":
            frame = frame[frame["race_key"] != race_key]
        unknown = frame["race_key"].isin(late)
        if known and name in known:
            of_known = frame["session"].isin(known[name]) if "session" in frame else True
            unknown &= ~((frame["race_key"] == race_key) & of_known)
        early, rest = frame[~unknown], frame[unknown]
        who = [column for column in WHO if column in frame.columns]
        parts = []
        by = [column for column in ("race_key", "session") if column in frame.columns]
        for _, rows in rest.groupby(by, sort=False):
            keep = rows.copy()
            keep[who] = rows[who].to_numpy()[rng.permutation(len(rows))]
            for column in ("time_ms", "q1_ms", "q2_ms", "q3_ms"):
                if column in keep and name in ("qualifying_results", "practice_results"):
                    keep[column] = rows[column].to_numpy()[rng.permutation(len(rows))]
            if "points" in keep:
                keep["points"] = rng.integers(0, 26, len(rows)).astype(float)
            parts.append(keep)
        mixed = pd.concat([early, *parts], ignore_index=True)
        changed[name] = mixed.astype(frame.dtypes.to_dict()).sample(frac=1, random_state=seed)
    if FORECASTS in tables:
        # The weekend tells on: every forecast that was taken since the start of the race says something else.
        frame = tables[FORECASTS].copy()
        late_rows = (frame["issued_at"] >= races["start_at"].iloc[at]).to_numpy()
        frame.loc[late_rows, WEATHER] += rng.uniform(1.0, 9.0, (int(late_rows.sum()), len(WEATHER)))
        changed[FORECASTS] = frame.sample(frac=1, random_state=seed)
    return changed


def before(frame: pd.DataFrame, order: int, own: bool) -> pd.DataFrame:
    rows = frame[frame["order"] <= order] if own else frame[frame["order"] < order]
    return rows.sort_values(["order", "driver_id"]).reset_index(drop=True)


def check_nothing_leaks(
    tables: Tables, race_key: str, seed: int = 1, computed: Computed | None = None
) -> None:
    """The shuffle test: an AssertionError where a value before the cutoff changes."""
    history, elo, real = computed or compute(tables)
    _, mixed_elo, mixed = compute(scramble(tables, race_key, seed))
    order = int(history.races.set_index("race_key").loc[race_key, "order"])

    keys = ["kind", "order", "entity_id"]
    earlier = [
        frame[frame["order"] < order].sort_values(keys, ignore_index=True) for frame in (elo, mixed_elo)
    ]
    pd.testing.assert_frame_equal(*earlier, check_exact=True)
    own = [
        frame.loc[frame["order"] == order, [*keys, "value_before"]].sort_values(keys, ignore_index=True)
        for frame in (elo, mixed_elo)
    ]
    pd.testing.assert_frame_equal(*own, check_exact=True)

    pd.testing.assert_frame_equal(
        before(real["pre_weekend"], order, own=True),
        before(mixed["pre_weekend"], order, own=True),
        check_exact=True,
    )
    pd.testing.assert_frame_equal(
        before(real["pre_race"], order, own=False),
        before(mixed["pre_race"], order, own=False),
        check_exact=True,
    )
    columns = [column for column in real["pre_race"].columns if column not in (*WEEKEND, *RATING)]
    pd.testing.assert_frame_equal(
        before(real["pre_race"], order, own=True)[columns],
        before(mixed["pre_race"], order, own=True)[columns],
        check_exact=True,
    )
    if FORECASTS in tables:
        for horizon in HORIZONS:
            own_weather = before(real[horizon], order, own=True)[WEATHER]
            assert own_weather.notna().any().all()
    # Otherwise the scrambling would prove nothing.
    here = [
        frame[frame["order"] == order].reset_index(drop=True)
        for frame in (real["pre_race"], mixed["pre_race"])
    ]
    assert not here[0][WEEKEND].equals(here[1][WEEKEND])
    assert not here[0][RATING].equals(here[1][RATING])
    after = [
        frame["pre_weekend"].loc[frame["pre_weekend"]["order"] > order, "recent_points"]
        for frame in (real, mixed)
    ]
    assert not after[0].reset_index(drop=True).equals(after[1].reset_index(drop=True))


def check_the_race_is_unknown(
    tables: Tables, race_key: str, seed: int = 1, computed: Computed | None = None
) -> None:
    """With the weekend known up to the race, nothing of the forecast before it may change with what comes then."""
    history, _, real = computed or compute(tables)
    mixed_tables = scramble(tables, race_key, seed, BEFORE_RACE)
    assert not (mixed_tables["race_results"]["race_key"] == race_key).any()
    _, _, mixed = compute(mixed_tables)
    order = int(history.races.set_index("race_key").loc[race_key, "order"])
    pd.testing.assert_frame_equal(
        before(real["pre_race"], order, own=True),
        before(mixed["pre_race"], order, own=True),
        check_exact=True,
    )
    later = [
        frame["pre_weekend"].loc[frame["pre_weekend"]["order"] > order, RATING] for frame in (real, mixed)
    ]
    assert not later[0].reset_index(drop=True).equals(later[1].reset_index(drop=True))


def rated(tables: Tables) -> pd.DataFrame:
    """The joint ratings of every horizon."""
    history = build_history(tables)
    return joint_ratings(Championships(history.races, history.field, tables), JointConfig())


def check_the_sprint_is_unknown(
    tables: Tables, race_key: str, known: Known, ratings: pd.DataFrame | None = None
) -> None:
    """Nor what comes after it: the ratings before a sprint may not change with the sessions that are not ``known``."""

    def here(ratings: pd.DataFrame) -> pd.DataFrame:
        own = ratings[ratings["race_key"] == race_key]
        return own.sort_values(["horizon", "driver_id"]).set_index("horizon")

    assert (tables["sprint_results"]["race_key"] == race_key).any()
    real = here(rated(tables) if ratings is None else ratings)
    mixed = here(rated(scramble(tables, race_key, 1, known)))
    for horizon in ("pre_weekend", "pre_sprint"):
        pd.testing.assert_frame_equal(real.loc[horizon], mixed.loc[horizon], check_exact=True)
    assert not real.loc["pre_race"].equals(mixed.loc["pre_race"])
