"""Warnings that are not the product's, and the marks of modules whose tests meet them: warnings are errors here."""

import importlib
import warnings

import pytest

QUIET_DAGSTER = [
    # Ranges in one run are beta, partitioned checks preview; Dagster asks pydantic for the old name of a field.
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning"),
    pytest.mark.filterwarnings("ignore:The `__fields__` attribute is deprecated"),
]
"""The ``pytestmark`` of a module whose tests run stages."""
QUIET_MLFLOW = [
    # MLflow's tables with the newest SQLAlchemy, and its opinion of the hints of its own class.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType"),
]
"""That of a module whose tests store models."""
QUIET = [*QUIET_DAGSTER, *QUIET_MLFLOW]
"""That of a module whose tests do both, as an update does."""


def import_mlflow() -> None:
    """Without the warnings of its own imports: before a fixture of a wider scope than one test, whose marks do not count
    for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("mlflow.sklearn")
        importlib.import_module("mlflow.xgboost")
