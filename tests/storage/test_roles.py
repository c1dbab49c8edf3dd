"""Roles on a real PostgreSQL server: who may change tables, who may write rows, and who may only read."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from sqlalchemy import Engine, create_engine, delete, insert, make_url, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from typer.testing import CliRunner

from f1_pipeline.cli.app import app
from f1_pipeline.errors import NotReady
from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import get_engine, write_transaction
from f1_pipeline.storage.migrate import current, downgrade, head, upgrade
from f1_pipeline.storage.roles import APP, OWNER, PIPELINE, SERVICES, create_roles
from f1_pipeline.storage.writes import replace_races

PASSWORDS = {
    role: f'{role}\'s \\ "secret" {number}'
    for number, role in enumerate((OWNER, PIPELINE, APP, *SERVICES.values()))
}
RACE = {
    "race_key": "2026-alphaland", "season": 2026, "grand_prix_id": "alphaland", "name": "Alphaland",
    "date": dt.date(2026, 3, 8), "is_sprint_weekend": False,
}  # fmt: skip


def as_role(postgres: str, role: str, database: str = "roles_f1") -> str:
    url = make_url(postgres).set(username=role, password=PASSWORDS.get(role), database=database)
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="module", params=["superuser", "administrator of a service"])
def server(request: pytest.FixtureRequest, postgres: str) -> Iterator[str]:
    """A server with roles and the three databases, made by one who may do everything or just that much."""
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    url = make_url(postgres).set(database="roles_f1")
    with admin.connect() as connection:
        if request.param != "superuser":
            connection.execute(text("CREATE ROLE administrator LOGIN CREATEROLE CREATEDB"))
            url = url.set(username="administrator")
        create_roles(url.render_as_string(hide_password=False), PASSWORDS)
        upgrade(as_role(postgres, OWNER))
        with get_engine(as_role(postgres, OWNER)).begin() as owner:
            owner.execute(insert(schema.seasons), [{"season": 2026}])
            owner.execute(insert(schema.races), [RACE])
        yield url.render_as_string(hide_password=False)
        for role in (OWNER, PIPELINE, APP):
            get_engine(as_role(postgres, role)).dispose()
        for database in ("roles_f1", *SERVICES):
            connection.execute(text(f"DROP DATABASE {database} WITH (FORCE)"))
        for role in (*PASSWORDS, *(["administrator"] if request.param != "superuser" else [])):
            connection.execute(text(f"DROP ROLE {role}"))
    admin.dispose()


@pytest.fixture
def engine_of(server: str, postgres: str) -> Callable[[str], Engine]:
    return lambda role: get_engine(as_role(postgres, role))


def refused(engine: Engine, statement: str) -> bool:
    with pytest.raises(ProgrammingError) as error, engine.begin() as connection:
        connection.execute(text(statement))
    return getattr(error.value.orig, "sqlstate", None) == "42501"


def test_the_app_reads_and_cannot_write(engine_of: Callable[[str], Engine]) -> None:
    engine = engine_of(APP)
    with engine.connect() as connection:
        assert connection.scalar(select(schema.races.c.race_key)) == RACE["race_key"]
        for name in schema.metadata.tables:
            connection.execute(text(f"SELECT count(*) FROM {name}"))  # noqa: S608
    for name in schema.metadata.tables:
        assert refused(engine, f"DELETE FROM {name}"), name  # noqa: S608
    assert refused(engine, "INSERT INTO seasons VALUES (2030)")
    assert refused(engine, "UPDATE races SET name = 'x'")
    assert refused(engine, "TRUNCATE races CASCADE")
    assert refused(engine, "CREATE TABLE mine (id integer)")
    assert refused(engine, "CREATE TEMPORARY TABLE mine (id integer)")
    assert refused(engine, "DROP TABLE races CASCADE")


def test_the_pipeline_writes_rows_and_cannot_change_tables(engine_of: Callable[[str], Engine]) -> None:
    engine = engine_of(PIPELINE)
    with write_transaction(engine) as connection:
        for table in (schema.data_loads, schema.revisions):
            connection.execute(delete(table))
        load = {
            "table_name": "races", "source": "f1db", "release": "r", "content_hash": "h",
            "row_count": 1, "loaded_at": dt.datetime(2026, 3, 8, tzinfo=dt.UTC),
        }  # fmt: skip
        connection.execute(insert(schema.data_loads), [load])
    rows = pd.DataFrame(
        [
            {
                "race_key": RACE["race_key"],
                "kind": "driver",
                "entity_id": f"driver-{number}",
                "value_before": 1500.0,
            }
            for number in range(300)
        ]
    )
    assert replace_races(engine, schema.elo_ratings, rows, [str(RACE["race_key"])]).rows == 300
    for statement in (
        "DROP TABLE elo_ratings",
        "ALTER TABLE elo_ratings ADD COLUMN mine integer",
        "TRUNCATE elo_ratings",
        "CREATE TABLE mine (id integer)",
        "CREATE INDEX mine ON elo_ratings (value_before)",
    ):
        assert refused(engine, statement), statement


def test_migrations_are_the_owners(postgres: str, server: str) -> None:
    """The pipeline finds tables that fit and goes on; where they do not, it says who has to do what."""
    owner, pipeline = as_role(postgres, OWNER), as_role(postgres, PIPELINE)
    upgrade(pipeline)
    downgrade(owner)
    before = current(owner)
    with pytest.raises(NotReady, match=rf"at revision {before}.*`f1 db upgrade` .* owner"):
        upgrade(pipeline)
    with pytest.raises(NotReady, match="may not change"):
        downgrade(pipeline, "base")
    upgrade(owner)
    assert current(pipeline) == head() != before
    with get_engine(as_role(postgres, APP)).connect() as connection:
        for name in schema.metadata.tables:  # those that the migration made anew are readable too
            connection.execute(text(f"SELECT count(*) FROM {name}"))  # noqa: S608


def test_databases_keep_to_themselves(postgres: str, server: str) -> None:
    for database, role in SERVICES.items():
        engine = create_engine(as_role(postgres, role, database))
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE kept (id integer)"))
            connection.execute(text("DROP TABLE kept"))
        engine.dispose()
    for role, database in ((APP, "dagster"), (PIPELINE, "mlflow"), ("f1_mlflow", "roles_f1")):
        engine = create_engine(as_role(postgres, role, database))
        with pytest.raises(DBAPIError, match="permission denied for database"):
            engine.connect()
        engine.dispose()


def test_text_is_sorted_by_bytes(postgres: str, server: str) -> None:
    """As SQLite does: the order of rows decides ties in ratings and draws."""
    words = ["a-b", "ab", "a_c", "Z", "é", "z"]
    with get_engine(as_role(postgres, APP)).connect() as connection:
        query = text("SELECT word FROM unnest(CAST(:words AS text[])) AS word ORDER BY word")
        assert list(connection.scalars(query, {"words": words})) == sorted(words)


def test_readers_and_writers_notice_nothing_when_it_is_done_again(postgres: str, server: str) -> None:
    """Containers do it at every start, beside whatever is running."""
    ended = threading.Event()

    def ask(role: str) -> int:
        asked = 0
        while not ended.is_set() or not asked:
            with get_engine(as_role(postgres, role)).connect() as connection:
                connection.execute(select(schema.races.c.race_key))
                asked += 1
        return asked

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask, role) for role in (APP, PIPELINE)]
        for _ in range(8):
            create_roles(server, PASSWORDS)
        ended.set()
        assert sum(future.result() for future in asking) > 8


def test_again_with_another_password(postgres: str, server: str) -> None:
    def stored() -> str:
        admin = create_engine(postgres)
        with admin.connect() as connection:
            query = text("SELECT rolpassword FROM pg_authid WHERE rolname = :role")
            found = str(connection.scalar(query, {"role": APP}))
        admin.dispose()
        return found

    before = stored()
    assert before.startswith("SCRAM-SHA-256$")
    create_roles(server, {**PASSWORDS, APP: "another"})
    assert stored() != before
    with get_engine(as_role(postgres, APP)).connect() as connection:
        assert connection.scalar(select(schema.races.c.race_key)) == RACE["race_key"]


def test_the_command_takes_passwords_from_the_environment(
    postgres: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("F1_DATABASE_URL", server)
    for role, password in PASSWORDS.items():
        monkeypatch.setenv(f"{role.upper()}_PASSWORD", password)
    result = CliRunner().invoke(app, ["db", "roles"])
    assert result.exit_code == 0, result.output
    assert all(role in result.output for role in PASSWORDS)
    assert not any(password in result.output for password in PASSWORDS.values())


def test_what_is_missing_is_named(postgres: str) -> None:
    with pytest.raises(NotReady, match="f1_owner, f1_app"):
        create_roles(postgres, {PIPELINE: "x", OWNER: ""})
    with pytest.raises(NotReady, match="PostgreSQL"):
        create_roles("sqlite:///f1.db", PASSWORDS)
