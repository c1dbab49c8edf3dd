"""Runs whose process is gone: after a power cut or a ``kill -9`` Dagster shows them as running for ever.

The launcher of a single machine cannot ask a run how it is, and with one run at a time such a run would hold
up all others until the limit of the run monitor, hours later. So whoever starts looks first, and the sensor ``heartbeat``
looks every minute.
"""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

PROCESS_TAG = "f1/process"
"""Tag of a run that is executed in the process that asked for it: host, process and its time of birth."""
OUTER_TAG = "f1/inside"
"""Tag of a stage of an update that is a run itself: the id of that run, in whose process the stage is executed."""
PATIENCE_SECONDS = 2
"""Time limit of a question to a code server; a tick of a sensor has a minute for all of them."""


def process_tag(outer: str | None = None) -> dict[str, str]:
    """Tags for a run that this process executes itself; without them nobody can tell that it is gone.

    ``outer``: id of the run whose step does it, if it is one.
    """
    me = psutil.Process()
    tags = {PROCESS_TAG: f"{socket.gethostname()}/{me.pid}/{me.create_time():.2f}"}
    return tags if outer is None else {**tags, OUTER_TAG: outer}


def fail_abandoned_runs(instance: DagsterInstance, alone: bool = False) -> list[str]:
    """Mark as failed the runs that no process executes any more; their ids.

    Leaves alone what it cannot judge: runs without a tag that says who executes them, and stages that a command started on
    another machine. With ``alone`` those are gone too: whoever has the turn (``f1_pipeline.turn``) knows that no other update,
    backfill or challenge is under way anywhere.
    """
    from dagster import DagsterRunStatus, RunsFilter

    begun = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    statuses = [DagsterRunStatus.NOT_STARTED, *begun]
    failed = []
    # Stages last: they go by what became of the run that they are inside of.
    for run in sorted(
        instance.get_runs(RunsFilter(statuses=statuses)), key=lambda run: PROCESS_TAG in run.tags
    ):
        if run.status not in begun and PROCESS_TAG not in run.tags:
            continue  # it waits for whoever is to launch it
        if not _is_gone(instance, run, alone):
            continue
        # It may have come to its end while it was asked about.
        held = instance.get_run_by_id(run.run_id)
        if held is None or held.status != run.status:
            continue
        instance.report_run_failed(run, "The process that executed this run is gone.")
        # Its place in the pool of a source too: the next one that asks would wait for it for ever.
        if instance.event_log_storage.supports_global_concurrency_limits:
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        failed.append(run.run_id)
    return failed


def _has_ended(instance: DagsterInstance, outer: str) -> bool:
    """Whether the run that a stage is inside of has ended, on whatever machine it was: the stage has then, too."""
    found = instance.get_run_by_id(outer)
    return found is None or found.is_finished


def _is_gone(instance: DagsterInstance, run: DagsterRun, alone: bool) -> bool:
    from dagster._core.storage.tags import GRPC_INFO_TAG

    if tag := run.tags.get(PROCESS_TAG):
        outer = run.tags.get(OUTER_TAG)
        return (outer is not None and _has_ended(instance, outer)) or _process_is_gone(tag, alone)
    server = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
    return bool(server) and (_nobody_listens(server) or _is_unknown(server, run))


def _process_is_gone(tag: str, alone: bool) -> bool:
    host, pid, born = tag.split("/")
    if host != socket.gethostname():
        return alone
    try:
        process = psutil.Process(int(pid))
        # One that was killed stays in the list until whoever started it has looked.
        return f"{process.create_time():.2f}" != born or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _nobody_listens(server: Mapping[str, Any]) -> bool:
    """A code server that executes runs does it in processes of its own, which end with it.

    Only what is certain counts: a server that is slow, or a name that cannot be resolved for a moment, may be there.
    """
    try:
        if path := server.get("socket"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(PATIENCE_SECONDS)
                probe.connect(path)
        else:
            socket.create_connection((server["host"], server["port"]), PATIENCE_SECONDS).close()
    except OSError as error:
        return error.errno in (errno.ECONNREFUSED, errno.ENOENT)
    return False


def _is_unknown(server: Mapping[str, Any], run: DagsterRun) -> bool:
    """Whether the code server says that it does not execute a run: it was started again since, at the same address.

    It says so of a run as well that it is about to start or to cancel. For those the run monitor has time limits.
    """
    from dagster import DagsterRunStatus
    from dagster._core.errors import DagsterUserCodeUnreachableError
    from dagster._grpc.client import DagsterGrpcClient
    from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
    from dagster._serdes import deserialize_value

    if run.status != DagsterRunStatus.STARTED:
        return False
    client = DagsterGrpcClient(
        port=server.get("port"),
        socket=server.get("socket"),
        host=server.get("host") or "localhost",
        use_ssl=bool(server.get("use_ssl")),
    )
    try:
        answer = client.can_cancel_execution(
            CanCancelExecutionRequest(run_id=run.run_id), timeout=PATIENCE_SECONDS
        )
    except DagsterUserCodeUnreachableError:
        return False
    return not deserialize_value(answer, CanCancelExecutionResult).can_cancel
