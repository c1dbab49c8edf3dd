"""A failed run is told, without secrets, and whatever happens to that fails nothing."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from dagster import DagsterInstance, build_run_status_sensor_context, job, op

from f1_pipeline.automation.alerts import tell_failure, without_secrets
from f1_pipeline.dagster_store.abandoned import process_tag
from f1_pipeline.settings import Settings, get_settings

pytestmark = pytest.mark.filterwarnings("ignore:The `__fields__` attribute is deprecated")


class Receiver:
    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = 204


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        found.url = f"http://127.0.0.1:{server.server_address[1]}/hook/very-secret"  # type: ignore[attr-defined]
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture
def settings(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("F1_FAILURE_WEBHOOK", receiver.url)
    monkeypatch.setenv("F1_OPENWEATHERMAP_KEY", "k3y-of-mine")
    monkeypatch.setenv("F1_DATABASE_URL", "postgresql+psycopg://f1:p%40ss@db/f1")
    get_settings.cache_clear()
    return get_settings()


def test_a_failure_is_told_without_secrets(settings: Settings, receiver: Any) -> None:
    error = f"boom at postgresql+psycopg://f1:p%40ss@db/f1, p@ss, k3y-of-mine, {receiver.url}"
    assert tell_failure(settings, "run-1", "update", error) == "the failure of update was told"
    assert set(receiver.bodies[0]) == {"run", "job", "error", "at"}
    assert (receiver.bodies[0]["run"], receiver.bodies[0]["job"]) == ("run-1", "update")
    sent = json.dumps(receiver.bodies)
    for secret in ("very-secret", "k3y-of-mine", "p%40ss", "p@ss"):
        assert secret not in sent
    assert "boom" in sent


def test_its_own_failure_fails_nothing(
    settings: Settings, receiver: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.status = 500
    assert tell_failure(settings, "r", "update", "x") == "the failure of update was not taken (HTTP 500)"
    for address in ("http://127.0.0.1:9/very-secret", "not an address: very-secret"):
        monkeypatch.setenv("F1_FAILURE_WEBHOOK", address)
        get_settings.cache_clear()
        assert "could not be told" in tell_failure(get_settings(), "r", "update", "x")
    assert "very-secret" not in caplog.text
    monkeypatch.delenv("F1_FAILURE_WEBHOOK")
    get_settings.cache_clear()
    assert "nobody is told" in tell_failure(get_settings(), "r", "update", "x")


def test_texts_without_secrets_stay(settings: Settings) -> None:
    assert without_secrets(settings, "race 2026-monaco, field position") == "race 2026-monaco, field position"


@pytest.mark.parametrize("by_itself", [False, True])
def test_the_sensor_tells_the_cause_of_what_nobody_else_tells(
    settings: Settings, receiver: Any, by_itself: bool
) -> None:
    """A stage fails, and so does its update, or the command at somebody's terminal says it: once is enough."""
    from f1_pipeline.automation.sensors import failures

    @op
    def fails() -> None:
        raise ValueError("the cause, k3y-of-mine")

    @job
    def update() -> None:
        fails()

    tags = process_tag() if by_itself else {}
    with DagsterInstance.ephemeral() as instance:
        result = update.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
        context = build_run_status_sensor_context(
            sensor_name="failures",
            dagster_event=next(event for event in result.all_events if event.is_job_failure),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure()
        failures(context)
    if by_itself:
        assert receiver.bodies == []
        return
    assert receiver.bodies[0]["job"] == "update"
    assert "the cause, ***" in receiver.bodies[0]["error"]
