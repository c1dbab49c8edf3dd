"""Retirement rates: what they are on a few races by hand, and that a race does not know itself."""

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.forecasting.history import History, build_history
from f1_pipeline.forecasting.reliability import (
    CIRCUIT,
    COLUMNS,
    DRIVER,
    FIELD,
    TEAM,
    Memory,
    retirement_rates,
)
from f1_pipeline.sources.simulated import simulate

Field = list[tuple[str, str, bool | None]]
"""Driver, team and whether he retired; None where the race has not been run."""


def history(*races: tuple[str, str, Field]) -> History:
    """A past of races (key, circuit, field); rows of a race come in the order given."""
    calendar = pd.DataFrame(
        [(key, int(key[:4]), circuit, order) for order, (key, circuit, _) in enumerate(races)],
        columns=["race_key", "season", "circuit_id", "order"],
    )
    rows = pd.DataFrame(
        [(key, driver, team, out) for key, _, field in races for driver, team, out in field],
        columns=["race_key", "driver_id", "constructor_id", "retired"],
    ).merge(calendar[["race_key", "season", "order"]], on="race_key")
    entries = rows.drop(columns="retired")
    starters = rows[rows["retired"].notna()].astype({"retired": "bool"})
    none = pd.DataFrame()
    return History(calendar, entries, starters, none, none, none, none)


def rates(past: History) -> pd.DataFrame:
    return retirement_rates(past).set_index(["race_key", "driver_id"])


def log_odds(p: float) -> float:
    return float(np.log(p / (1 - p)))


def faded(memory: Memory, races: int) -> float:
    return float(0.5 ** (races / memory.half_life))


def ratio(seen: float, expected: float, memory: Memory) -> float:
    return float(np.log((seen + memory.prior) / (expected + memory.prior)))


# --- by hand ---------------------------------------------------------------------------------------------


def test_the_first_race_knows_the_first_rate_only() -> None:
    rows = rates(history(("2020-1", "ring", [("a", "x", True), ("b", "y", False)])))
    np.testing.assert_allclose(rows["retirement_field"], log_odds(0.4))
    assert (rows[["retirement_team", "retirement_driver", "retirement_circuit"]] == 0.0).all().all()


def test_two_races_by_hand() -> None:
    first: Field = [("a", "x", True), ("b", "x", False), ("c", "y", False), ("d", "y", False)]
    second: Field = [("a", "x", None), ("c", "y", None), ("new", "z", None)]
    rows = rates(history(("2020-1", "ring", first), ("2020-2", "ring", second)))

    fade = faded(FIELD, 1)
    seen, raced = (0.4 * FIELD.prior + 1) * fade, (FIELD.prior + 4) * fade
    field = log_odds((seen + 0.4) / (raced + 1))
    np.testing.assert_allclose(rows.loc["2020-2", "retirement_field"], field)

    # Of an average team .4 of each car were expected; of team x one of two retired.
    fade = faded(TEAM, 1)
    assert rows.loc[("2020-2", "a"), "retirement_team"] == pytest.approx(ratio(fade, 0.8 * fade, TEAM))
    assert rows.loc[("2020-2", "c"), "retirement_team"] == pytest.approx(ratio(0.0, 0.8 * fade, TEAM))
    assert rows.loc[("2020-2", "new"), "retirement_team"] == 0.0

    fade = faded(DRIVER, 1)
    assert rows.loc[("2020-2", "a"), "retirement_driver"] == pytest.approx(ratio(fade, 0.4 * fade, DRIVER))
    assert rows.loc[("2020-2", "new"), "retirement_driver"] == 0.0

    fade = faded(CIRCUIT, 1)
    everyone = ratio(fade, 4 * 0.4 * fade, CIRCUIT)
    np.testing.assert_allclose(rows.loc["2020-2", "retirement_circuit"], everyone)


def test_a_circuit_is_known_from_its_own_races() -> None:
    field: Field = [("a", "x", True), ("b", "y", True)]
    coming: Field = [("a", "x", None), ("b", "y", None)]
    rows = rates(history(("2020-1", "ring", field), ("2020-2", "park", coming), ("2020-3", "ring", coming)))
    assert (rows.loc["2020-2", "retirement_circuit"] == 0.0).all()
    assert (rows.loc["2020-3", "retirement_circuit"] > 0.0).all()


def test_a_circuit_is_measured_by_who_raced_there() -> None:
    """Unreliable cars that retire at a circuit do not make it a hard one: expected is what field, team and driver say."""
    park: Field = [("a", "x", True), ("b", "x", False), ("c", "y", False), ("d", "y", False)]
    ring: Field = [("a", "x", True), ("b", "x", False), ("c", "y", True), ("d", "y", False)]
    rows = rates(history(("2020-1", "park", park), ("2020-2", "ring", ring), ("2020-3", "ring", ring)))
    known = rows.loc["2020-2", ["retirement_field", "retirement_team", "retirement_driver"]].sum(axis=1)
    expected = (1 / (1 + np.exp(-known))).sum()
    fade = faded(CIRCUIT, 1)
    np.testing.assert_allclose(
        rows.loc["2020-3", "retirement_circuit"], ratio(2 * fade, expected * fade, CIRCUIT)
    )


def test_a_driver_is_measured_by_his_car() -> None:
    """A driver whose car breaks down as all of its kind do is not to blame."""
    races = [
        (f"2020-{number:02}", "ring", [("a", "x", True), ("b", "x", True), ("c", "y", False), ("d", "y", False)])
        for number in range(30)
    ]  # fmt: skip
    last = rates(history(*races)).loc["2020-29"]
    # Team x explains most of it.
    assert last.loc["a", "retirement_team"] > 0.5
    assert abs(last.loc["a", "retirement_driver"]) < 0.5 * last.loc["a", "retirement_team"]


def test_a_team_keeps_its_past_through_a_renaming() -> None:
    past: Field = [
        ("a", "kick-sauber", True),
        ("b", "kick-sauber", True),
        ("c", "y", False),
        ("d", "y", False),
    ]
    now: Field = [("e", "audi", None), ("f", "newcomer", None)]
    rows = rates(history(("2025-1", "ring", past), ("2026-1", "park", now)))
    assert rows.loc[("2026-1", "e"), "retirement_team"] > 0.0
    assert rows.loc[("2026-1", "f"), "retirement_team"] == 0.0


def test_what_is_long_ago_is_forgotten() -> None:
    broken: Field = [("a", "x", True), ("b", "y", False)]
    other: Field = [("c", "z", False), ("d", "w", False)]
    races = [("2020-000", "ring", broken), *((f"2020-{n:03}", "park", other) for n in range(1, 150))]
    last: Field = [("a", "x", None)]
    rows = rates(history(*races, ("2020-200", "park", last)))
    assert 0 < rows.loc[("2020-200", "a"), "retirement_team"] < 0.01
    soon = rates(history(races[0], ("2020-001", "park", last)))
    assert soon.loc[("2020-001", "a"), "retirement_team"] > 0.1


def test_the_sum_is_the_log_odds_of_what_happened() -> None:
    """On a long history the mean probability is the share that retired, and the bad team's is higher."""
    tables = simulate(6, 3).bundle.tables
    past = build_history(tables)
    found = retirement_rates(past).merge(past.starters, on=["race_key", "driver_id"])
    late = found[found["season"] >= found["season"].max() - 3]
    p = 1 / (1 + np.exp(-late[list(COLUMNS)].sum(axis=1)))
    assert p.mean() == pytest.approx(late["retired"].mean(), abs=0.02)
    high = p > p.median()
    assert late.loc[high, "retired"].mean() > late.loc[~high, "retired"].mean()


# --- laws ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def past() -> History:
    return build_history(simulate(2, 7).bundle.tables)


def test_every_entry_has_rates(past: History) -> None:
    found = retirement_rates(past)
    assert list(found.columns) == ["race_key", "driver_id", *COLUMNS]
    assert len(found) == len(past.entries)
    assert np.isfinite(found[list(COLUMNS)]).all().all()


@pytest.mark.parametrize("at", [0, 13, 38])
def test_nothing_of_a_race_or_later_reaches_its_rates(past: History, at: int) -> None:
    rng = np.random.default_rng(at)
    late = (past.starters["order"] >= at).to_numpy()
    retired = past.starters["retired"].to_numpy().copy()
    retired[late] = rng.permutation(~retired[late])
    mixed = History(**{**vars(past), "starters": past.starters.assign(retired=retired)})
    clock = past.entries.set_index(["race_key", "driver_id"])["order"]
    one, other = rates(past), rates(mixed)
    known = (clock.reindex(one.index) <= at).to_numpy()
    pd.testing.assert_frame_equal(one[known], other[known], check_exact=True)
    assert not one[~known].equals(other[~known]), (
        "the change must be seen after the race, or this shows nothing"
    )


def test_the_order_of_rows_does_not_matter(past: History) -> None:
    mixed = History(
        **{
            **vars(past),
            "entries": past.entries.sample(frac=1, random_state=1),
            "starters": past.starters.sample(frac=1, random_state=2),
            "races": past.races.sample(frac=1, random_state=3),
        }
    )
    pd.testing.assert_frame_equal(retirement_rates(mixed), retirement_rates(past), check_exact=True)


def test_no_races_no_rates() -> None:
    assert retirement_rates(history(("2020-1", "ring", []))).empty
