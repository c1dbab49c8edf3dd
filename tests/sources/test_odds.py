"""Reading a file of prices: tolerant of how things are called, and of nothing else."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.odds import Names, read_odds

RACES = pd.DataFrame({"race_key": ["1994-monaco", "2026-monaco"], "season": [1994, 2026]})
DRIVERS = pd.DataFrame(
    {
        "driver_id": [
            "max-verstappen",
            "jos-verstappen",
            "sergio-perez",
            "one-smith",
            "two-smith",
            "reserve",
        ],
        "code": ["VER", "VER", "PER", "SMI", "SMI", "RES"],
        "name": ["Max Verstappen", "Jos Verstappen", "Sergio Pérez", "One Smith", "Two Smith", "A Reserve"],
    }
)
ENTRIES = pd.DataFrame(
    [
        ("1994-monaco", "jos-verstappen"),
        *(("2026-monaco", driver) for driver in ("max-verstappen", "sergio-perez", "one-smith", "two-smith")),
    ],
    columns=["race_key", "driver_id"],
)
HEAD = "race,driver,odds,time,source"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "odds.csv"


def _read(file: Path, *lines: str, head: str = HEAD) -> pd.DataFrame:
    file.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return read_odds(file, Names(RACES, DRIVERS, ENTRIES))


def _faults(file: Path, *lines: str) -> list[str]:
    with pytest.raises(ContractViolation) as caught:
        _read(file, *lines)
    first, *rest = str(caught.value).splitlines()
    assert "nothing was written" in first
    assert first.startswith(str(file))
    return [line.strip() for line in rest]


def test_a_row(file: Path) -> None:
    found = _read(file, "2026-monaco,max-verstappen,2.5,2026-06-05T12:00:00+02:00,Acme")
    row = found.iloc[0]
    assert list(found.columns) == ["race_key", "driver_id", "source", "taken_at", "decimal_odds"]
    assert (row["race_key"], row["driver_id"], row["source"], row["decimal_odds"]) == (
        "2026-monaco",
        "max-verstappen",
        "Acme",
        2.5,
    )
    assert row["taken_at"] == dt.datetime(2026, 6, 5, 10, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "head",
    ["race_key,driver_id,decimal_odds,taken_at,bookmaker", "Race,Driver Code,Decimal Odds,Time,Bookmaker"],
)
def test_headers_by_other_names_and_further_columns(file: Path, head: str) -> None:
    found = _read(
        file, "2026-Monaco , VER, 2.5,2026-06-05T12:00Z,Acme,whatever", head="\ufeff" + head + ",note"
    )
    assert found["driver_id"].tolist() == ["max-verstappen"]
    assert found["race_key"].tolist() == ["2026-monaco"]


@pytest.mark.parametrize(
    ("race", "driver", "expected"),
    [
        ("2026-monaco", "ver", "max-verstappen"),
        ("1994-monaco", "VER", "jos-verstappen"),
        ("2026-monaco", "Sergio Perez", "sergio-perez"),
        ("2026-monaco", "SERGIO PÉREZ", "sergio-perez"),
        ("2026-monaco", "reserve", "reserve"),  # an id needs no entry: he may stand in
    ],
)
def test_drivers_are_known_by_id_code_and_name(file: Path, race: str, driver: str, expected: str) -> None:
    assert _read(file, f"{race},{driver},2,2026-06-05T12:00Z,Acme")["driver_id"].tolist() == [expected]


def test_all_faults_are_named_with_line_race_and_field(file: Path) -> None:
    faults = _faults(
        file,
        "2026-monaco,max-verstappen,2.5,2026-06-05T12:00:00Z,Acme",
        "2026-atlantis,VER,2.5,2026-06-05T12:00:00Z,Acme",
        "",
        "2026-monaco,Fangio,1.0,2026-06-05T12:00:00,",
        "2026-monaco,SMI,x,yesterday,Acme",
        "2026-monaco,RES,inf,2026-06-05T12:00:00Z,Acme",
        "2026-monaco",
    )
    where = [fault.split(": ")[0] for fault in faults]
    assert where == [
        "line 3, race 2026-atlantis, field race",
        *(f"line 5, race 2026-monaco, field {name}" for name in ("driver", "source", "time", "odds")),
        *(f"line 6, race 2026-monaco, field {name}" for name in ("driver", "time", "odds")),
        *(f"line 7, race 2026-monaco, field {name}" for name in ("driver", "odds")),
        *(f"line 8, race 2026-monaco, field {name}" for name in ("driver", "source", "time", "odds")),
    ]
    assert "no time zone" in faults[3]
    assert "one-smith or two-smith" in faults[5]
    assert "not a time" in faults[6]


@pytest.mark.parametrize("odds", ["1", "1.0", "0.5", "-3", "nan", "inf", "", "5/2", "2,5"])
def test_odds_that_are_none(file: Path, odds: str) -> None:
    row = f'2026-monaco,VER,"{odds}",2026-06-05T12:00Z,Acme'
    assert ["field odds" in fault for fault in _faults(file, row)] == [True]


def test_a_row_twice_is_one_and_two_prices_of_one_moment_are_a_fault(file: Path) -> None:
    row = "2026-monaco,VER,2.5,2026-06-05T12:00:00Z,Acme"
    assert len(_read(file, row, row, "2026-monaco,VER,2.5,2026-06-05T14:00:00+02:00,Acme")) == 1
    (fault,) = _faults(file, row, row.replace("2.5", "3.5"))
    assert fault == "line 3, race 2026-monaco, field odds: another price than in line 2 for the same moment"


def test_a_file_without_prices_or_columns(file: Path, tmp_path: Path) -> None:
    assert _faults(file) == ["no price in it"]
    for head, says in (
        ("race,driver,odds,time", "field source: no column source or bookmaker"),
        ("race,driver,odds,time,source,bookmaker", "field source: 2 columns"),
        ("", "field race: no column"),
    ):
        with pytest.raises(ContractViolation, match=says):
            _read(file, head=head)
    names = Names(RACES, DRIVERS, ENTRIES)
    with pytest.raises(ContractViolation, match="cannot be read"):
        read_odds(tmp_path / "none.csv", names)
    file.write_bytes(b"race,driver,odds,time,source\n\xff\xfe\n")
    with pytest.raises(ContractViolation, match="UTF-8"):
        read_odds(file, names)
