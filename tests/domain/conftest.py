"""A small crosswalk, for the tests of identities."""

from __future__ import annotations

import pytest

from f1_pipeline.domain.identity import Crosswalk
from tests.domain.identities import tables


@pytest.fixture
def small() -> Crosswalk:
    return Crosswalk(tables(), source="ergast")
