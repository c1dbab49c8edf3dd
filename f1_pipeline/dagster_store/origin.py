"""Where the code of a run is. Dagster shows a run on its first page, and under its job, only if the run says so.

Those that a process executes itself do not: after `f1 run` the first page said "No runs", with a dozen of them in the list.
"""

from __future__ import annotations

import sys

from dagster import DagsterRun
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from f1_pipeline.dagster_store.abandoned import PROCESS_TAG
from f1_pipeline.dagster_store.environment import LOCATION
from f1_pipeline.settings import ROOT

_REPOSITORY = "__repository__"
"""The name that Dagster gives to the only one of a module."""


class SaysWhereItsCodeIs:
    """Comes before a class of Dagster among the bases of a store of runs."""

    def add_run(self, dagster_run: DagsterRun) -> DagsterRun:
        """Keep a run; one that its own process executes says where its code is."""
        if dagster_run.remote_job_origin is None and PROCESS_TAG in dagster_run.tags:
            dagster_run = dagster_run.with_job_origin(_origin(dagster_run.job_name))
        return super().add_run(dagster_run)  # type: ignore[misc, no-any-return]  # of Dagster's class


def _origin(job: str) -> RemoteJobOrigin:
    code = LoadableTargetOrigin(
        executable_path=sys.executable, module_name=f"{LOCATION}.definitions", working_directory=str(ROOT)
    )
    location = ManagedGrpcPythonEnvCodeLocationOrigin(code, LOCATION)
    return RemoteRepositoryOrigin(location, _REPOSITORY).get_job_origin(job)
