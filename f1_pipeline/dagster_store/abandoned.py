"""Runs whose process is gone: after a power cut or a ``kill -9`` Dagster shows them as running for ever.

The launcher of a single machine cannot ask a run how it is, and with one run at a time such a run would hold
up all others until the limit of the run monitor, hours later. So whoever starts looks first.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

PROCESS_TAG = "f1/process"
"""Tag of a run that is executed in the process that asked for it: host, process and its time of birth."""


def process_tag() -> dict[str, str]:
    """Tags for a run that this process executes itself; without them nobody can tell that it is gone."""
    me = psutil.Process()
    return {PROCESS_TAG: f"{socket.gethostname()}/{me.pid}/{me.create_time():.2f}"}


def fail_abandoned_runs(instance: DagsterInstance) -> list[str]:
    """Mark as failed the runs of this machine that no process executes any more; their ids.

    Leaves alone what it cannot judge: runs without a tag that says who executes them, and other machines'.
    """
    from dagster import DagsterRunStatus, RunsFilter

    statuses = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    gone = [run for run in instance.get_runs(RunsFilter(statuses=statuses)) if _is_gone(run)]
    for run in gone:
        instance.report_run_failed(run, "The process that executed this run is gone.")
        # Its place in the pool of a source too: the next one that asks would wait for it for ever.
        if instance.event_log_storage.supports_global_concurrency_limits:
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in gone]


def _is_gone(run: DagsterRun) -> bool:
    from dagster._core.storage.tags import GRPC_INFO_TAG

    if tag := run.tags.get(PROCESS_TAG):
        return _process_is_gone(tag)
    server = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
    # A code server that executes runs does it in processes of its own, which end with it.
    return bool(path := server.get("socket")) and not _answers(path)


def _process_is_gone(tag: str) -> bool:
    host, pid, born = tag.split("/")
    if host != socket.gethostname():
        return False
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" != born
    except psutil.NoSuchProcess:
        return True


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(path) == 0
