"""Runs on a cluster: each that is launched is a job of Kubernetes, and the stages of an update, which are runs too, have none.

Dagster's launcher looks for the job of every run that is under way. Of a stage it finds none and answers that its state is
unknown, and the run monitor marks the stage of a healthy update as failed (``monitor_started_run``: whatever is neither
running nor successful). The chart is told to use this launcher in ``deploy/kubernetes/dagster-values.yaml``.
"""

from __future__ import annotations

from dagster import DagsterRun
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster_k8s import K8sRunLauncher

from f1_pipeline.dagster_store.abandoned import OUTER_TAG, PROCESS_TAG


class StagesK8sRunLauncher(K8sRunLauncher):
    """Dagster's launcher, which answers for a stage with the state of the job that executes it."""

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """The state of the job that executes a run.

        A stage that a command started in some pod has no job at all: it counts as running, since nobody here can tell. When its
        process is gone, the next update, which has the turn then, marks it as failed.
        """
        if PROCESS_TAG in run.tags:
            outer = run.tags.get(OUTER_TAG)
            if outer is None:
                return CheckRunHealthResult(WorkerStatus.RUNNING)
            launched = self._instance.get_run_by_id(outer)
            if launched is None or launched.is_finished:
                return CheckRunHealthResult(
                    WorkerStatus.FAILED, f"the run {outer} that executed it has ended"
                )
            run = launched
        health: CheckRunHealthResult = super().check_run_worker_health(run)
        return health

    def get_run_worker_debug_info(
        self, run: DagsterRun, include_container_logs: bool | None = True
    ) -> str | None:
        """What the cluster knows of the pod that executes a run; None for a stage that a command started."""
        launched: DagsterRun | None = run
        if PROCESS_TAG in run.tags:
            outer = run.tags.get(OUTER_TAG)
            launched = None if outer is None else self._instance.get_run_by_id(outer)
        if launched is None:
            return None
        said: str | None = super().get_run_worker_debug_info(launched, include_container_logs)
        return said
