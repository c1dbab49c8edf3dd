"""Text is sorted by bytes on every database that is accepted, and the others are refused by name, on a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, make_url, text
from typer.testing import CliRunner

from f1_pipeline.cli.app import app
from f1_pipeline.errors import NotReady
from f1_pipeline.settings import get_settings
from f1_pipeline.storage import roles
from f1_pipeline.storage.collation import refuse_other_collation
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.migrate import current, head, upgrade
from f1_pipeline.storage.roles import APP, OWNER, PIPELINE, create_roles
from f1_pipeline.update import run_update

BY_BYTES = {
    "c": "LOCALE 'C' LOCALE_PROVIDER libc",
    "posix": "LOCALE 'POSIX' LOCALE_PROVIDER libc",
    "c_utf8": "LOCALE 'C.UTF-8' LOCALE_PROVIDER libc",
    "builtin_c": "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C'",
    "builtin_utf8": "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
    "builtin_fast": "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST'",
}
OTHERS = {
    "en_US.UTF-8 (libc)": "datcollate = 'en_US.UTF-8'",
    "C.ISO-8859-1 (libc)": "datcollate = 'C.ISO-8859-1'",
    "de-u-co-phonebk (icu)": "datlocprovider = 'i', datlocale = 'de-u-co-phonebk'",
    "en (icu)": "datlocprovider = 'i', datlocale = 'en', datcollate = 'C'",
}
"""What the catalogue says of such a database. The server of the tests knows no language, so none can really be made."""
texts = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6), min_size=2, max_size=12
)


@pytest.fixture(scope="module", params=BY_BYTES)
def by_bytes(request: pytest.FixtureRequest, postgres: str) -> Iterator[str]:
    name = f"sorted_{request.param}"
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(
            text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {BY_BYTES[request.param]}")
        )
    address = make_url(postgres).set(database=name).render_as_string(hide_password=False)
    yield address
    get_engine(address).dispose()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=texts)
def test_what_is_accepted_sorts_as_sqlite_does(by_bytes: str, words: list[str]) -> None:
    with get_engine(by_bytes).connect() as connection:
        refuse_other_collation(connection)
        found = connection.scalars(
            text("SELECT w FROM unnest(CAST(:words AS text[])) AS w ORDER BY w"), {"words": words}
        )
        assert list(found) == sorted(words, key=str.encode)


def test_small_letters_capitals_and_accents(by_bytes: str) -> None:
    """The example of the rule: by the rules of a language it is another order."""
    words = ["éclair", "Zonta", "albon", "Ecclestone", "zhou", "Éric"]
    with get_engine(by_bytes).connect() as connection:
        found = connection.scalars(
            text("SELECT w FROM unnest(CAST(:words AS text[])) AS w ORDER BY w"), {"words": words}
        )
        assert list(found) == ["Ecclestone", "Zonta", "albon", "zhou", "Éric", "éclair"]


@contextmanager
def pretending(postgres: str, address: str, changes: str) -> Iterator[None]:
    """The catalogue says of the database at ``address`` what ``changes`` says; new connections to it are impossible."""
    name = make_url(address).database
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    columns = "datcollate, datlocprovider, datlocale"
    with admin.connect() as connection:
        before = connection.execute(
            text(f"SELECT {columns} FROM pg_database WHERE datname = :name"),  # noqa: S608
            {"name": name},
        ).one()
        change = f"UPDATE pg_database SET {changes} WHERE datname = :name"  # noqa: S608
        connection.execute(text(change), {"name": name})
        try:
            yield
        finally:
            connection.execute(
                text(f"UPDATE pg_database SET ({columns}) = (:a, :b, :c) WHERE datname = :name"),  # noqa: S608
                {"a": before[0], "b": before[1], "c": before[2], "name": name},
            )
    admin.dispose()


@pytest.fixture
def connected(new_postgres: Callable[..., str], drop_postgres: Callable[[str], None]) -> Iterator[str]:
    """An empty database to which there are connections that are used again; an update holds one for its lock."""
    address = new_postgres()
    with get_engine(address).connect(), get_engine(address).connect():
        pass
    yield address
    drop_postgres(address)


@pytest.mark.parametrize("collation", OTHERS)
def test_tables_are_not_made_where_text_is_sorted_otherwise(
    collation: str, postgres: str, connected: str
) -> None:
    name = make_url(connected).database
    with pretending(postgres, connected, OTHERS[collation]), pytest.raises(NotReady) as error:
        upgrade(connected)
    said = str(error.value)
    assert said.startswith(f"database {name} sorts text by {collation} instead of by its bytes")
    assert "LOCALE 'C'" in said
    assert "\n" not in said
    assert current(connected) is None, "nothing was made"
    upgrade(connected)
    assert current(connected) == head()


def test_an_update_is_refused_before_anything_is_read(
    postgres: str, connected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the tables are there and fit: an installation of before that was made by hand."""
    upgrade(connected)
    monkeypatch.setenv("F1_DATABASE_URL", connected)
    monkeypatch.setenv("F1_SOURCE", "simulated")
    get_settings.cache_clear()
    told: list[str] = []
    with pretending(postgres, connected, OTHERS["en_US.UTF-8 (libc)"]):
        with pytest.raises(NotReady, match="sorts text by en_US"):
            run_update(get_settings(), told.append)
        result = CliRunner().invoke(app, ["db", "upgrade"])
    assert told == []
    assert isinstance(result.exception, NotReady)
    with get_engine(connected).connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM data_loads")) == 0


def test_roles_are_not_given_rights_on_such_a_database(
    postgres: str, connected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`f1 db roles` opens a connection of its own, which the server would refuse: it is given one that is open."""
    real = roles.create_engine
    monkeypatch.setattr(
        roles,
        "create_engine",
        lambda url, **more: get_engine(connected) if url == make_url(connected) else real(url, **more),
    )
    passwords, name = dict.fromkeys((OWNER, PIPELINE, APP), "secret"), make_url(connected).database
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    try:
        with (
            pretending(postgres, connected, OTHERS["en (icu)"]),
            pytest.raises(NotReady, match=r"sorts text by en \(icu\)"),
        ):
            create_roles(connected, passwords)
        with get_engine(connected).connect() as connection:
            owner = "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'"
            assert connection.scalar(text(owner)) != OWNER
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {name} OWNER TO CURRENT_USER"))
            connection.execute(text(f"REVOKE ALL ON DATABASE {name} FROM {', '.join(passwords)}"))
            for role in passwords:
                connection.execute(text(f"DROP ROLE {role}"))
        admin.dispose()


def test_sqlite_passes() -> None:
    with create_engine("sqlite://").connect() as connection:
        refuse_other_collation(connection)
        words = ["éclair", "Zonta", "albon", "Ecclestone", "zhou", "Éric"]
        union = " UNION ALL ".join(f"SELECT '{word}' AS w" for word in words)
        found = list(connection.scalars(text(f"SELECT w FROM ({union}) ORDER BY w")))  # noqa: S608
    assert found == sorted(words, key=str.encode)
