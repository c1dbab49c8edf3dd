"""Every page says the same of the same rows, whichever database they are in."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from sqlalchemy import make_url
from streamlit.testing.v1 import AppTest

import f1_app.dashboard
from f1_app.database import engine_for
from f1_pipeline.settings import get_settings
from f1_pipeline.storage.carry import carry_over

FOLDER = Path(f1_app.dashboard.__file__).parent
SPEED = re.compile(r"\(\w+\) answered in \d+ ms")
"""On Data: which database it is, and how fast."""
PAGES = sorted(path.stem for path in (FOLDER / "views").glob("[a-z]*.py"))


def shown(page: str) -> list[Any]:
    """All that a page consists of, in order: texts, numbers, tables and the data of charts."""
    at = AppTest.from_file(str(FOLDER / "app.py"), default_timeout=60)
    at.run()
    if page != "next_race":
        at.switch_page(f"views/{page}.py")
        at.run()
    assert not at.exception, at.exception[0].message
    found: list[Any] = []
    for kind in (
        "title",
        "header",
        "subheader",
        "markdown",
        "caption",
        "info",
        "warning",
        "error",
        "selectbox",
    ):
        found += [(kind, SPEED.sub("", str(part.value))) for part in at.get(kind)]
    found += [("metric", part.label, part.value, part.delta) for part in at.metric]
    found += [("chart", part.proto.spec or part.proto.figure.spec) for part in at.get("plotly_chart")]
    tables = [part.value for part in at.dataframe]
    assert found or tables
    return [*found, *tables]


@pytest.fixture
def filled(race_database: Path) -> Path:
    """A database with something for every page."""
    spec = importlib.util.spec_from_file_location("scored", Path(__file__).with_name("scored.py"))
    assert spec is not None
    assert spec.loader is not None
    scored = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scored)
    scored.add(race_database)
    return race_database


def test_every_page_shows_the_same_on_postgresql(
    filled: Path,
    new_postgres: Callable[..., str],
    migrated_postgres: str,
    drop_postgres: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_sqlite = {page: shown(page) for page in PAGES}
    assert any(isinstance(part, pd.DataFrame) for parts in on_sqlite.values() for part in parts)
    assert any(
        part[0] == "chart" for parts in on_sqlite.values() for part in parts if isinstance(part, tuple)
    )

    server = new_postgres(migrated_postgres)
    carry_over(str(filled), server, lambda _: None)
    monkeypatch.setenv("F1_DATABASE_URL", server)
    filled.unlink()
    get_settings.cache_clear()
    st.cache_data.clear()
    for page, expected in on_sqlite.items():
        found = shown(page)
        assert [part for part in found if isinstance(part, tuple)] == [
            part for part in expected if isinstance(part, tuple)
        ], page
        for one, other in zip(found, expected, strict=True):
            if isinstance(one, pd.DataFrame):
                pd.testing.assert_frame_equal(one, other, obj=page)
    engine_for(make_url(server)).dispose()
    drop_postgres(server)
