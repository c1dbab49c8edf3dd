"""Roles and databases on a PostgreSQL server: who owns the tables, who writes rows, who reads.

The pipeline can write rows and cannot change or drop a table, the app can read and nothing else: a fault in a page, or a
password that got out of it, cannot touch a forecast. Dagster and MLflow keep to databases of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, create_engine, make_url

from f1_pipeline.errors import NotReady
from f1_pipeline.storage.collation import refuse_other_collation

OWNER, PIPELINE, APP = "f1_owner", "f1_pipeline", "f1_app"
TABLES_OF = {OWNER: "all tables", PIPELINE: "rows", APP: "reading"}
"""Roles in the database of the product's tables, and what each may do there."""
SERVICES = {"dagster": "f1_dagster", "mlflow": "f1_mlflow"}
"""Databases of the other two stores, each with the role that owns it."""


def create_roles(admin_url: str, passwords: Mapping[str, str]) -> list[str]:
    """Create or update the roles of ``passwords`` and their databases; what was done, in words.

    ``admin_url`` names a role that may create roles and databases, and the database of the product's tables, which is
    made where it is not there. Text is sorted by bytes in it, as SQLite does: the order of rows is part of a forecast.
    Repeatable: it sets passwords and rights anew, and gives tables that somebody else made to the owner.

    Raises:
        NotReady: the address is not one of PostgreSQL, one of the three roles of the tables has no password, or their
            database is there and sorts text by something else.
        sqlalchemy.exc.DBAPIError: the server refused, or is not there.
    """
    url = make_url(admin_url)
    if url.get_backend_name() != "postgresql" or not url.database:
        raise NotReady("roles are for PostgreSQL: F1_DATABASE_URL has to be the address of an administrator")
    if missing := [role for role in TABLES_OF if not passwords.get(role)]:
        raise NotReady(f"no password for {', '.join(missing)}: set it in the environment")
    done = []
    with _administrator(url.set(database="postgres")) as server:
        for role, password in passwords.items():
            _set_role(server, role, password)
            done.append(f"role {role}: {TABLES_OF.get(role, 'a database of its own')}")
        for database, owner in [(url.database, OWNER), *_services(passwords)]:
            if _make_database(server, database, owner):
                done.append(f"database {database}: made, owned by {owner}")
            _let_in(server, database, [owner] if owner != OWNER else TABLES_OF)
    with _administrator(url) as tables:
        refuse_other_collation(tables)
        _grant(tables)
    for database, _ in _services(passwords):
        with _administrator(url.set(database=database)) as other:
            _execute(other, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    return done


def _services(passwords: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(database, role) for database, role in SERVICES.items() if passwords.get(role)]


@contextmanager
def _administrator(url: URL) -> Iterator[Connection]:
    """A connection that commits each statement: databases cannot be made in a transaction."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _execute(connection: Connection, statement: str, *names: str, literal: str | None = None) -> None:
    """A statement that takes no bound parameters: names and text are quoted by the driver, never by hand."""
    from psycopg import sql

    driver: Any = connection.connection.driver_connection
    parts = [sql.Identifier(name) for name in names]
    more = {} if literal is None else {"literal": sql.Literal(literal)}
    driver.execute(sql.SQL(statement).format(*parts, **more))


def _exists(connection: Connection, catalogue: str, column: str, name: str) -> bool:
    driver: Any = connection.connection.driver_connection
    query = f"SELECT 1 FROM {catalogue} WHERE {column} = %s"  # noqa: S608 - two names of this module
    return driver.execute(query, [name]).fetchone() is not None


def _is_superuser(connection: Connection) -> bool:
    driver: Any = connection.connection.driver_connection
    query = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    return bool(driver.execute(query).fetchone()[0])


def _set_role(connection: Connection, role: str, password: str) -> None:
    if not _exists(connection, "pg_roles", "rolname", role):
        _execute(connection, "CREATE ROLE {} LOGIN", role)
        # Of a service, an administrator is no superuser: what a role is to own, only its members can give it.
        if not _is_superuser(connection):
            _execute(connection, "GRANT {} TO CURRENT_USER", role)
    # Hashed here: the server would write a password in a failing statement into its log.
    driver: Any = connection.connection.driver_connection
    hashed = driver.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    _execute(
        connection,
        "ALTER ROLE {} LOGIN NOCREATEDB NOCREATEROLE PASSWORD {literal}",
        role,
        literal=hashed,
    )


def _make_database(connection: Connection, database: str, owner: str) -> bool:
    if _exists(connection, "pg_database", "datname", database):
        _execute(connection, "ALTER DATABASE {} OWNER TO {}", database, owner)
        return False
    # From 15 on a server may sort by ICU unless told otherwise, which knows no order of bytes.
    driver: Any = connection.connection.driver_connection
    provider = " LOCALE_PROVIDER libc" if driver.info.server_version >= 150000 else ""
    _execute(
        connection,
        f"CREATE DATABASE {{}} OWNER {{}} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'{provider}",
        database,
        owner,
    )
    return True


def _let_in(connection: Connection, database: str, roles: Iterable[str]) -> None:
    _execute(connection, "REVOKE ALL ON DATABASE {} FROM PUBLIC", database)
    for role in roles:
        _execute(connection, "GRANT CONNECT ON DATABASE {} TO {}", database, role)


def _grant(connection: Connection) -> None:
    """Rights on the tables that are there, and on those that the owner's migrations will make.

    At once: of ten repetitions beside readers, 19 of 1,459 reads fell between a REVOKE and its GRANT and were refused.
    """
    driver: Any = connection.connection.driver_connection
    with driver.transaction():
        _grant_one_by_one(connection)


def _grant_one_by_one(connection: Connection) -> None:
    _execute(connection, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    _execute(connection, "ALTER SCHEMA public OWNER TO {}", OWNER)
    _execute(connection, "GRANT USAGE ON SCHEMA public TO {}, {}", PIPELINE, APP)
    for table in _tables(connection):
        _execute(connection, "ALTER TABLE public.{} OWNER TO {}", table, OWNER)
    for on, now in (
        ("TABLES", "ALL TABLES IN SCHEMA public"),
        ("SEQUENCES", "ALL SEQUENCES IN SCHEMA public"),
    ):
        write = "SELECT, INSERT, UPDATE, DELETE" if on == "TABLES" else "USAGE, SELECT"
        for role, rights in ((PIPELINE, write), (APP, "SELECT")):
            _execute(connection, f"REVOKE ALL ON {now} FROM {{}}", role)
            _execute(connection, f"GRANT {rights} ON {now} TO {{}}", role)
            _execute(
                connection,
                f"ALTER DEFAULT PRIVILEGES FOR ROLE {{}} IN SCHEMA public GRANT {rights} ON {on} TO {{}}",
                OWNER,
                role,
            )


def _tables(connection: Connection) -> list[str]:
    driver: Any = connection.connection.driver_connection
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tableowner <> %s"
    return [str(row[0]) for row in driver.execute(query, [OWNER])]
