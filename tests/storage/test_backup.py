"""The dump that the documents describe, restored on a server that has nothing but roles: the same rows, the same rights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import create_engine, insert, make_url, text

from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.migrate import current, head, upgrade
from f1_pipeline.storage.roles import APP, OWNER, PIPELINE, create_roles
from tests.postgres_programs import program

PASSWORDS = dict.fromkeys((OWNER, PIPELINE, APP), "secret")


@pytest.mark.parametrize("state", ["full", "before the newest migration"])
def test_a_dump_is_restored_with_its_rows_and_rights(
    postgres: str,
    new_postgres: Callable[..., str],
    drop_postgres: Callable[[str], None],
    tmp_path: Path,
    state: str,
) -> None:
    first, second = new_postgres(), new_postgres()
    create_roles(first, PASSWORDS)
    owner = make_url(first).set(username=OWNER, password="secret").render_as_string(hide_password=False)
    upgrade(owner, "head" if state == "full" else "0006")
    with get_engine(owner).begin() as connection:
        connection.execute(insert(schema.seasons), [{"season": season} for season in range(1950, 2027)])
        races = [
            {
                "race_key": f"{season}-ÿ-land", "season": season, "grand_prix_id": "ÿ-land", "name": "Ÿ 'Grand' Prix",
                "date": pd.Timestamp(season, 5, 1).date(), "is_sprint_weekend": False,
            }
            for season in range(1950, 2027)
        ]  # fmt: skip
        connection.execute(insert(schema.races), races)
    get_engine(owner).dispose()

    program("pg_dump", first, "-Fc", "-f", str(tmp_path / "f1.dump"))
    create_roles(second, PASSWORDS)
    program("pg_restore", second, "--clean", "--if-exists", str(tmp_path / "f1.dump"))
    create_roles(second, PASSWORDS)

    owner = make_url(second).set(username=OWNER, password="secret").render_as_string(hide_password=False)
    upgrade(owner)
    assert current(owner) == head()
    for name in ("seasons", "races"):
        table = schema.metadata.tables[name]
        pd.testing.assert_frame_equal(
            reads.read_table(get_engine(first), table), reads.read_table(get_engine(second), table)
        )
    reader = create_engine(make_url(second).set(username=APP, password="secret"))
    with reader.connect() as connection:
        for name in schema.metadata.tables:
            assert connection.scalar(text(f"SELECT has_table_privilege('{name}', 'SELECT')")), name
            assert not connection.scalar(text(f"SELECT has_table_privilege('{name}', 'INSERT')")), name
    reader.dispose()
    for address in (owner, first, second):
        get_engine(address).dispose()
    drop_postgres(first)
    drop_postgres(second)
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for role in PASSWORDS:
            connection.execute(text(f"DROP ROLE {role}"))
    admin.dispose()
