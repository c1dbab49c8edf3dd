"""Files that a store hands over: what is no model of ours is refused, and nothing of it is executed."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st

from f1_pipeline.errors import ArtefactCorrupt
from f1_pipeline.forecasting.models.elo_softmax import EloSoftmax
from f1_pipeline.model_files import read_model
from f1_pipeline.registry import Registered, Registry
from tests.quiet import QUIET_MLFLOW, import_mlflow

pytestmark = QUIET_MLFLOW


class Burglar:
    """What it does when it is un-pickled is to leave a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.mark,)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "race_key": np.repeat(["2025-a", "2025-b"], 2),
            "finish": [1, 2, 1, 2],
            "current_elo": [1600.0, 1500.0, 1550.0, 1500.0],
            "constructor_elo": [1500.0, 1500.0, 1520.0, 1500.0],
        }
    )


@pytest.fixture
def stored(tmp_path: Path, rows: pd.DataFrame) -> tuple[Registry, Registered, Path]:
    """A registered model, and the folder of its files."""
    import_mlflow()
    registry = Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artefacts")
    found = registry.register(EloSoftmax().fit(rows), "pre_weekend", rows, {}, {})
    (file,) = (tmp_path / "artefacts").rglob("*.skops")
    return registry, found, file.parent


def _load(stored: tuple[Registry, Registered, Path]) -> Any:
    return stored[0].load(EloSoftmax(), stored[1])


def test_a_store_that_says_pickle_is_not_believed(
    stored: tuple[Registry, Registered, Path], tmp_path: Path
) -> None:
    mark, folder = tmp_path / "somebody was here", stored[2]
    bait = pickle.dumps(Burglar(mark))
    (folder / "model.pkl").write_bytes(bait)
    about = folder / "MLmodel"
    text = about.read_text(encoding="utf-8")
    changed = text.replace("serialization_format: skops", "serialization_format: pickle")
    changed = changed.replace("model.skops", "model.pkl")
    assert changed != text
    about.write_text(changed, encoding="utf-8")
    assert isinstance(_load(stored), EloSoftmax), "the file that is ours is read, as what it is"
    (folder / "model.skops").write_bytes(bait)
    with pytest.raises(ArtefactCorrupt, match=r"model\.skops cannot be read"):
        _load(stored)
    assert not mark.exists()
    pickle.loads(bait)  # noqa: S301
    assert mark.exists(), "the bait works"


def test_a_store_that_says_whom_to_trust_is_not_believed(
    stored: tuple[Registry, Registered, Path], rows: pd.DataFrame
) -> None:
    model = EloSoftmax().fit(rows)
    model.stranger_ = Burglar(Path("nowhere"))
    folder = stored[2]
    skops.io.dump(model, folder / "model.skops")
    about = folder / "MLmodel"
    text = about.read_text(encoding="utf-8")
    strangers = skops.io.get_untrusted_types(file=folder / "model.skops")
    changed = text.replace("skops_trusted_types:", "\n    - ".join(["skops_trusted_types:", *strangers]))
    assert changed != text
    about.write_text(changed, encoding="utf-8")
    with pytest.raises(ArtefactCorrupt, match="UntrustedTypesFound"):
        _load(stored)


@given(content=st.binary(max_size=400))
def test_whatever_the_file_holds_it_is_one_error(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("file")
    (folder / "model.skops").write_bytes(content)
    with pytest.raises(ArtefactCorrupt, match=r"model\.skops"):
        read_model(EloSoftmax(), folder)


def test_broken_off_anywhere(stored: tuple[Registry, Registered, Path]) -> None:
    file = stored[2] / "model.skops"
    whole = file.read_bytes()
    for length in range(0, len(whole) - 1, max(1, len(whole) // 40)):
        file.write_bytes(whole[:length])
        with pytest.raises(ArtefactCorrupt, match=stored[1].name):
            _load(stored)
    file.write_bytes(whole)
    assert isinstance(_load(stored), EloSoftmax)


def test_another_model_and_none(stored: tuple[Registry, Registered, Path]) -> None:
    folder = stored[2]
    skops.io.dump({"weights": [1, 2]}, folder / "model.skops")
    with pytest.raises(ArtefactCorrupt, match="holds a dict, not a EloSoftmax"):
        _load(stored)
    (folder / "model.skops").unlink()
    with pytest.raises(ArtefactCorrupt, match=r"0 files \*\.skops where one should be"):
        _load(stored)


def test_a_booster_that_is_none(tmp_path: Path) -> None:
    from f1_pipeline.forecasting.models import make

    model = make("xgboost", "pre_race", 3)
    (tmp_path / "model.ubj").write_bytes(b"{\x00 no model")
    with pytest.raises(ArtefactCorrupt, match=r"model\.ubj cannot be read"):
        read_model(model, tmp_path)
    assert not hasattr(model, "learner_")
