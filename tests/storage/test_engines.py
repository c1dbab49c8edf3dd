"""Engines: one per address, and no connection is left to the collector."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from f1_pipeline.errors import NotReady
from f1_pipeline.storage.engine import Engines, get_engine


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "is none"),
        ("nonsense://f1:hidden@host/f1", "is none"),
        ("mysql://f1:hidden@host/f1", "kept by mysql"),
        ("postgresql+psycopg2://f1:hidden@host/f1", r"kept by postgresql\+psycopg2"),
    ],
)
def test_an_address_that_the_tables_cannot_have(url: str, said: str) -> None:
    """It ended in a traceback; a driver without COPY would have ended the first large write."""
    with pytest.raises(NotReady, match=said) as refused:
        get_engine(url)
    assert "F1_DATABASE_URL" in str(refused.value)
    assert "hidden" not in str(refused.value)


def _ask(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_one_engine_for_an_address_in_all_threads(tmp_path: Path) -> None:
    made: list[str] = []

    def make(url: str) -> Engine:
        made.append(url)
        return create_engine(url)

    engines = Engines(make)
    addresses = [f"sqlite:///{tmp_path / name}.db" for name in "ab"] * 20
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(engines, addresses))
    assert len(found) == len(made) == 2
    engines.close()


def test_engines_of_many_databases_keep_their_connections(postgres: str) -> None:
    """The tenth used to push the first one out: its connections were open until the collector warned of each."""
    addresses = [postgres.replace("?", f"?application_name=n{number}&") for number in range(12)]
    kept = [weakref.ref(get_engine(address)) for address in addresses]
    for address in addresses:
        _ask(get_engine(address))
    gc.collect()
    assert all(engine() is get_engine(address) for engine, address in zip(kept, addresses, strict=True))


def test_closed_engines_are_used_again(postgres: str) -> None:
    engine = get_engine(postgres)
    _ask(engine)
    assert engine.pool.checkedin() == 1  # type: ignore[attr-defined]
    get_engine.close()
    assert engine.pool.checkedin() == 0  # type: ignore[attr-defined]
    assert get_engine(postgres) is engine
    _ask(engine)
