"""The one Dagster instance of the product: same history for ``f1``, ``dagster dev`` and the servers."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from f1_pipeline.dagster_store.environment import FLAGS, dagster_home, set_flags
from f1_pipeline.errors import NotReady
from f1_pipeline.settings import ROOT

if TYPE_CHECKING:
    from dagster import DagsterInstance

CONFIG = "dagster.yaml"
_MARK = (
    "# A copy, made anew at each start: edit dagster.yaml of the repository. Without this line it is kept.\n"
)


def get_instance() -> DagsterInstance:
    """The instance that ``dagster.yaml`` describes, with its directories created and its flags set.

    Close it when done: it is a context manager.

    Raises:
        NotReady: there is no ``dagster.yaml``, neither in the repository nor in the Dagster home.
    """
    # Here, because the supervisor and the command line need the rest of this module at once: 1.7 s.
    from dagster import DagsterInstance
    from dagster._core.instance import InstanceRef

    set_flags()
    return DagsterInstance.from_ref(InstanceRef.from_dir(str(prepare_home())))


def dagster_environment() -> dict[str, str]:
    """The environment for a child process that runs Dagster: this one's, the home and the flags.

    Raises:
        NotReady: there is no ``dagster.yaml``, neither in the repository nor in the Dagster home.
    """
    return {**FLAGS, **os.environ, "DAGSTER_HOME": str(prepare_home())}


def prepare_home() -> Path:
    """Create the Dagster home and put ``dagster.yaml`` there; the home.

    Dagster reads its configuration only from its home. A configuration that somebody wrote there (for
    PostgreSQL, say) is left alone: only a copy that was made here is replaced.

    Raises:
        NotReady: there is no ``dagster.yaml``, neither in the repository nor in the Dagster home.
    """
    home = dagster_home().absolute()
    home.mkdir(parents=True, exist_ok=True)
    source, target = ROOT / CONFIG, home / CONFIG
    present = target.read_text(encoding="utf-8") if target.exists() else None
    if present is not None and not present.startswith(_MARK):
        return home
    if not source.exists():
        if present is None:
            raise NotReady(f"Dagster has no configuration: neither {source} nor {target} exists.")
        return home
    wanted = _MARK + source.read_text(encoding="utf-8")
    if present != wanted:
        # Replaced in one step: another process may be reading it at this moment.
        fresh = home / f".{CONFIG}.{secrets.token_hex(4)}"
        fresh.write_text(wanted, encoding="utf-8")
        fresh.replace(target)
    return home
