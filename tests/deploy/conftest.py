"""What the tests of the deployment share; modules beside this file are loaded by their path."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def compose() -> ModuleType:
    """``compose.py``: docker-compose.yml as Compose reads it."""
    spec = importlib.util.spec_from_file_location("deploy_compose", Path(__file__).with_name("compose.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
