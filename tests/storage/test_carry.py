"""Tables carried from one database to another: every row arrives as it was, or none does."""

from __future__ import annotations

import datetime as dt
import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Engine,
    Float,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)  # fmt: skip

from f1_pipeline.errors import NotReady, WriteRefused
from f1_pipeline.storage import carry, schema
from f1_pipeline.storage.carry import LEFT_BEHIND, carry_over
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.migrate import downgrade

CARRIED = [table for table in schema.metadata.sorted_tables if table.name not in LEFT_BEHIND]


def value(column: Column[Any], row: int) -> Any:
    """A value that suits a column; of optional ones every second is missing."""
    keys: list[ForeignKey] = list(column.foreign_keys)
    if keys:
        return value(keys[0].column, row)
    if column.nullable and row % 2:
        return None
    match column.type:
        case schema.UtcDateTime():
            return dt.datetime(2026, 3, 8, 4, 5, 6, 789012, tzinfo=dt.UTC) + dt.timedelta(hours=row)
        case Boolean():
            return row % 2 == 0
        case Integer():
            return 2000 + row
        case Float():
            return 0.1 + row  # no finite binary fraction
        case Date():
            return dt.date(2026, 3, 8) + dt.timedelta(days=row)
        case JSON():
            return {"depth": 3, "share": 0.1, "name": "Räikkönen", "none": None}
        case String() | Text():
            return chr(0x100 + row)
        case other:  # pragma: no cover - a new kind of column needs a value here
            raise TypeError(f"{column}: {other}")


def rows_of(table: Table, count: int) -> list[dict[str, Any]]:
    return [{column.name: value(column, row) for column in table.columns} for row in range(count)]


def content(engine: Engine, table: Table) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        query = select(table).order_by(*table.primary_key.columns)
        return [tuple(row) for row in connection.execute(query)]


@pytest.fixture
def addresses(
    tmp_path: Path, migrated_file: Path, migrated_postgres: str, new_postgres: Callable[..., str]
) -> Callable[[str], str]:
    """Makes migrated databases without rows."""
    numbers = itertools.count()

    def make(backend: str) -> str:
        if backend == "postgresql":
            return new_postgres(migrated_postgres)
        file = tmp_path / f"tables{next(numbers)}.db"
        shutil.copy(migrated_file, file)
        return f"sqlite:///{file}"

    return make


def fill(url: str, count: int) -> None:
    with get_engine(url).begin() as connection:
        for table in schema.metadata.sorted_tables:
            connection.execute(insert(table), rows_of(table, count))


@pytest.mark.parametrize(
    ("source", "target"), [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("sqlite", "sqlite")]
)
def test_every_row_of_every_table_arrives_as_it_was(
    addresses: Callable[[str], str], source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        carry, "ROWS_AT_A_TIME", 250
    )  # more than one part, and the fast path of each database
    old, new = addresses(source), addresses(target)
    fill(old, 300)
    told: list[str] = []
    carried = carry_over(old, new, told.append)
    assert carried == {table.name: 300 for table in CARRIED}
    assert told == [f"{table.name}: 300 rows" for table in CARRIED]
    for table in CARRIED:
        assert content(get_engine(new), table) == content(get_engine(old), table), table.name
    for name in LEFT_BEHIND:
        assert content(get_engine(new), schema.metadata.tables[name]) == []


def test_rows_are_numbered_on_after_those_that_came(addresses: Callable[[str], str]) -> None:
    old, new = addresses("sqlite"), addresses("postgresql")
    fill(old, 3)
    carry_over(old, new, lambda _: None)
    table = schema.data_loads
    row = {name: item for name, item in rows_of(table, 1)[0].items() if name != "id"}
    with get_engine(new).begin() as connection:
        highest = connection.scalar(select(func.max(table.c.id)))
        connection.execute(insert(table), [row])
        assert connection.scalar(select(func.max(table.c.id))) == highest + 1


def test_a_path_names_a_file(addresses: Callable[[str], str]) -> None:
    old, new = addresses("sqlite"), addresses("sqlite")
    fill(old, 2)
    assert sum(carry_over(old.removeprefix("sqlite:///"), new, lambda _: None).values()) == 2 * len(CARRIED)


def test_tables_that_hold_rows_are_left_alone(addresses: Callable[[str], str]) -> None:
    old, new = addresses("sqlite"), addresses("postgresql")
    fill(old, 2)
    with get_engine(new).begin() as connection:
        connection.execute(insert(schema.seasons), [{"season": 1950}])
    with pytest.raises(WriteRefused, match="table seasons has rows already") as refused:
        carry_over(old, new, lambda _: None)
    assert "@" not in str(refused.value).replace(":***@", "")
    assert content(get_engine(new), schema.seasons) == [(1950,)]
    assert content(get_engine(new), schema.races) == []


def test_a_failure_in_between_leaves_no_row(addresses: Callable[[str], str]) -> None:
    """A name that is longer than a column of PostgreSQL takes, which SQLite does not mind."""
    old, new = addresses("sqlite"), addresses("postgresql")
    fill(old, 2)
    with get_engine(old).begin() as connection:
        connection.execute(delete(schema.model_decisions))
        row = rows_of(schema.model_decisions, 1)[0] | {"horizon": "h" * 300}
        connection.execute(insert(schema.model_decisions), [row])
    with pytest.raises(Exception, match="too long"):
        carry_over(old, new, lambda _: None)
    for table in CARRIED:
        assert content(get_engine(new), table) == [], table.name


def test_what_cannot_be_read_is_said(addresses: Callable[[str], str], tmp_path: Path) -> None:
    old, new = addresses("sqlite"), addresses("sqlite")
    for source, message in (
        (str(tmp_path / "nothing.db"), "no such file to carry over from"),
        ("sqlite:///" + str(tmp_path / "nothing.db"), "no such file to carry over from"),
        ("nonsense://", "F1_DATABASE_URL"),
    ):
        with pytest.raises(NotReady, match=message):
            carry_over(source, new, lambda _: None)
    with pytest.raises(WriteRefused, match="nothing to carry over"):
        carry_over(new, new, lambda _: None)
    downgrade(old)
    with pytest.raises(NotReady, match="bring them up"):
        carry_over(old, new, lambda _: None)
    assert not (tmp_path / "nothing.db").exists()
