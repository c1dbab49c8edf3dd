"""Published standings against those that the results make."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from f1_pipeline.domain.championship_rules import KINDS
from f1_pipeline.forecasting.standings_check import standings_faults
from f1_pipeline.sources.f1db import local_copy, parse_archive
from f1_pipeline.sources.simulated import simulate

Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return simulate(2, 7).bundle.tables


def raced(tables: Tables, season: int) -> list[str]:
    """Races of a season that have a result, in calendar order."""
    races = tables["races"].sort_values("date")
    done = races["race_key"].isin(tables["race_results"]["race_key"]) & (races["season"] == season)
    return races.loc[done, "race_key"].tolist()


def faults(tables: Tables, kind: str, published: pd.DataFrame, keys: list[str]) -> list[tuple[str, str]]:
    return standings_faults(kind, published[published["race_key"].isin(keys)], tables, keys)


@pytest.mark.parametrize("kind", KINDS)
def test_standings_that_agree(tables: Tables, kind: str) -> None:
    published = tables[f"{kind}_standings"]
    for keys in (raced(tables, 2026), [*raced(tables, 2024), *raced(tables, 2025)], ["2026-nowhere"], []):
        assert faults(tables, kind, published, keys) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("engines", [True, False])
def test_the_first_difference_is_named(tables: Tables, kind: str, engines: bool) -> None:
    published = tables[f"{kind}_standings"].copy()
    if kind == "constructor" and not engines:
        published["engine_id"] = None  # the live source does not know them
    key = raced(tables, 2026)[3]
    row = published.index[published["race_key"] == key][1]
    points, name = published.loc[row, "points"], published.loc[row, f"{kind}_id"]
    published.loc[row, "points"] = points + 3
    ((race, text),) = faults(tables, kind, published, raced(tables, 2026))
    assert race == key
    assert text.startswith(str(name))
    assert text.endswith(f"is published with {points + 3:g} points, the results make {points:g}")


@pytest.mark.parametrize("kind", KINDS)
def test_standings_of_the_round_before_are_named(tables: Tables, kind: str) -> None:
    """Fault 5, the other way round: the label is that of the race, the rows are those before it."""
    keys = raced(tables, 2026)
    published = tables[f"{kind}_standings"]
    stale = published[published["race_key"] == keys[3]].assign(race_key=keys[4])
    ((race, text),) = faults(tables, kind, stale, [keys[4]])
    assert race == keys[4]
    assert text.endswith(f"; the standings are those after {keys[3]}, before this race")


def test_standings_that_are_missing_or_early(tables: Tables) -> None:
    keys = raced(tables, 2026)
    none = tables["driver_standings"].iloc[:0]
    assert faults(tables, "driver", none, keys[:1]) == [
        (keys[0], "no driver standings are published after a race that has a result")
    ]
    calendar = tables["races"].sort_values("date")
    after = calendar.loc[calendar["season"] == 2026, "race_key"].tolist()[len(keys)]
    early = tables["driver_standings"].query("race_key == @keys[2]").assign(race_key=after)
    assert faults(tables, "driver", early, [after]) == [
        (after, "driver standings of a race that has no result")
    ]


@pytest.mark.archive
@pytest.mark.parametrize("kind", KINDS)
def test_real_standings_agree_with_real_results(archives: Path, kind: str) -> None:
    copy = local_copy(archives / "f1db" / "f1db-csv.zip")
    tables = parse_archive(Path(copy.path), copy.release, copy.digest).tables
    published = tables[f"{kind}_standings"]
    assert standings_faults(kind, published, tables, set(tables["races"]["race_key"])) == [], "of each season"
    for season in (1988, 2025, 2026):
        keys = raced(tables, season)
        assert faults(tables, kind, published, keys) == []
    # A team that was sold in the summer left its points behind.
    found = faults(tables, kind, published, raced(tables, 2018))
    assert [race for race, _ in found] == ([] if kind == "driver" else ["2018-hungary"])
