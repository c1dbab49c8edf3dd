"""Models out of files that a store hands over: read by closed lists of our own, never by what the store says of itself.

MLflow's own loaders believe the file ``MLmodel`` beside a model: it may name pickle as the format, types that skops is to
trust, a class to import, or a folder of code. Whoever can write into the store would run code here. So only two files are
looked at, in formats that hold numbers and known types: skops with our list of types, and XGBoost's UBJSON.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1_pipeline.errors import ArtefactCorrupt

if TYPE_CHECKING:
    from f1_pipeline.forecasting.models import Model

SKOPS, UBJSON = ".skops", ".ubj"


def trusted_types() -> list[str]:
    """Types that a stored model may hold, beside skops' own safe list: trees, array types, our estimators."""
    from f1_pipeline.forecasting.models import REGISTERED

    ours = (f"{model.__module__}.{model.__qualname__}" for model in REGISTERED.values())
    return ["sklearn.tree._tree.Tree", "numpy.dtype", *ours]


def read_model(model: Model, folder: Path) -> Model:
    """The fitted model in a folder; ``model`` is an unfitted one with its hyper-parameters.

    Raises:
        ArtefactCorrupt: there is no such file, it cannot be read, it holds a type that is not on the list, or another
            model. Nothing of it was executed.
    """
    if hasattr(model, "empty_learner"):
        learner = model.empty_learner()
        file = _only_file(folder, UBJSON)
        try:
            learner.load_model(file)
        except Exception as error:  # of XGBoost, as its own type or as ValueError, by what is wrong
            raise _corrupt(file, error) from error
        model.learner_ = learner
        return model
    import skops.io

    file = _only_file(folder, SKOPS)
    try:
        loaded: Any = skops.io.load(file, trusted=trusted_types())
    except Exception as error:  # of zip, JSON, numpy or skops
        raise _corrupt(file, error) from error
    if type(loaded) is not type(model):
        raise ArtefactCorrupt(f"{file.name} holds a {type(loaded).__name__}, not a {type(model).__name__}")
    return loaded


def _only_file(folder: Path, ending: str) -> Path:
    found = sorted(file for file in folder.rglob(f"*{ending}") if file.is_file())
    if len(found) != 1:
        raise ArtefactCorrupt(f"{len(found)} files *{ending} where one should be")
    return found[0]


def _corrupt(file: Path, error: Exception) -> ArtefactCorrupt:
    reason = str(error).strip().partition("\n")[0][:200]
    return ArtefactCorrupt(f"{file.name} cannot be read ({type(error).__name__}: {reason})")
