"""Log lines: for people or for programs, with what is known, and without secrets."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from dagster import DagsterInstance, OpExecutionContext, job, op
from hypothesis import given
from hypothesis import strategies as st

from f1_pipeline import logs
from f1_pipeline.secrecy import STARS, without_secrets
from f1_pipeline.serve.services import services
from f1_pipeline.settings import ROOT, Settings, get_settings

SECRET = 'hunter2 "very" secret'
TOOLS = Path(sys.executable).parent


@pytest.fixture(autouse=True)
def _root() -> Iterator[None]:
    """The root logger as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def configured(**settings: Any) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(Settings(log_format="json", **settings), "api", stream)
    return stream


def test_a_line_is_an_object_with_what_is_known() -> None:
    stream = configured()
    log = logging.getLogger("f1.test")
    with logs.bound(run="a-run", job="score", race="2026-monaco"):
        log.warning("points of %s differ", "ada")
        with logs.bound(race="2026-hungary", step=""):
            log.info("inner")
    log.info("outside: ä\nsecond line")
    first, inner, outside = (json.loads(line) for line in stream.getvalue().splitlines())
    moment = first.pop("time")
    assert moment.endswith("Z")
    assert first == {
        "level": "warning",
        "logger": "f1.test",
        "message": "points of ada differ",
        "component": "api",
        "run": "a-run",
        "job": "score",
        "race": "2026-monaco",
    }
    assert (inner["race"], inner["run"]) == ("2026-hungary", "a-run")
    assert outside["message"] == "outside: ä\nsecond line"
    assert "run" not in outside


def test_an_exception_is_in_its_line() -> None:
    stream = configured()
    try:
        raise ValueError("no such tyre")
    except ValueError:
        logging.getLogger("f1.test").exception("it failed")
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert (found["level"], found["message"]) == ("error", "it failed")
    assert "ValueError: no such tyre" in found["exception"]
    assert "Traceback" in found["exception"]


def test_a_second_call_replaces_the_first_and_levels_hold() -> None:
    first, second = configured(), configured(log_level="WARNING")
    logging.getLogger("f1.test").info("not wanted")
    logging.getLogger("f1.test").warning("wanted")
    assert first.getvalue() == ""
    assert [json.loads(line)["message"] for line in second.getvalue().splitlines()] == ["wanted"]


def test_lines_for_people_stay_as_they_were() -> None:
    stream = io.StringIO()
    logs.configure(Settings(), "f1", stream)
    logging.getLogger("f1.test").warning("points of %s differ", "ada")
    assert stream.getvalue() == "WARNING f1.test: points of ada differ\n"


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("where", ["message", "argument", "exception"])
def test_no_line_has_a_secret(form: str, where: str) -> None:
    settings = Settings(
        log_format=form,  # type: ignore[arg-type]
        openweathermap_key=SECRET,  # type: ignore[arg-type]
        database_url=f"postgresql+psycopg://ada:{quote(SECRET, safe='')}@host/f1",
        f1db_url="https://ada:mirror-password@mirror.example/f1db",
    )
    stream = io.StringIO()
    logs.configure(settings, "f1", stream)
    log = logging.getLogger("f1.test")
    told = f"{SECRET} {quote(SECRET, safe='')} mirror-password"
    if where == "message":
        log.warning(told)
    elif where == "argument":
        log.warning("%s", {"key": SECRET, "other": told})
    else:
        try:
            raise ValueError(told)
        except ValueError:
            log.exception("failed")
    text = stream.getvalue()
    assert STARS in text
    for secret in (SECRET, json.dumps(SECRET)[1:-1], quote(SECRET, safe=""), "mirror-password"):
        assert secret not in text
    if form == "json":
        assert all(json.loads(line) for line in text.splitlines())


@given(secret=st.text(min_size=4, max_size=20).filter(str.strip), before=st.text(max_size=20))
def test_a_secret_is_never_in_what_is_left(secret: str, before: str) -> None:
    settings = Settings(openweathermap_key=secret)  # type: ignore[arg-type]
    left = without_secrets(settings, f"{before} {secret} {json.dumps(secret)}")
    assert secret not in left or secret in STARS or secret in f"{before} {STARS} "


def test_every_setting_that_is_secret_is_taken_out() -> None:
    names = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]
    assert len(names) >= 7
    for name in names:
        settings = Settings(**{name: "hunter2hunter2"})
        assert without_secrets(settings, "a hunter2hunter2 b") == f"a {STARS} b", name
        assert "hunter2" not in repr(settings)
        assert "hunter2" not in str(settings.model_dump())


@pytest.mark.filterwarnings("ignore:The `__fields__` attribute is deprecated")
def test_lines_of_a_run_carry_run_step_and_race(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from f1_pipeline.automation.console import run_config, run_loggers

    monkeypatch.setenv("F1_LOG_FORMAT", "json")
    monkeypatch.setenv("F1_OPENWEATHERMAP_KEY", SECRET)
    get_settings.cache_clear()

    @op
    def drive(context: OpExecutionContext) -> None:
        context.log.info(f"lights out {SECRET}")

    @job(logger_defs=run_loggers())
    def race() -> None:
        drive()

    with DagsterInstance.ephemeral() as instance:
        result = race.execute_in_process(
            run_config=run_config(), instance=instance, tags={"dagster/partition": "2026-monaco"}
        )
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    told = next(line for line in lines if line["message"].startswith("lights out"))
    assert (told["run"], told["job"], told["step"], told["race"]) == (
        result.run_id,
        "race",
        "drive",
        "2026-monaco",
    )
    assert told["message"] == f"lights out {STARS}"
    assert SECRET not in json.dumps(run_config())


def test_runs_of_people_have_dagsters_own_logger() -> None:
    from f1_pipeline.automation.console import run_config, run_loggers

    assert run_loggers() == {}
    assert run_config({"ops": {}}) == {"ops": {}}


def test_races_of_a_run() -> None:
    start, end = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
    assert logs.races_of({}) == ""
    assert logs.races_of({"dagster/partition": "2026-monaco"}) == "2026-monaco"
    assert logs.races_of({start: "a", end: "a"}) == "a"
    assert logs.races_of({start: "a", end: "b"}) == "a..b"


def test_dagsters_servers_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forms() -> dict[str, bool]:
        found = services(get_settings(), tmp_path)["dagster"]
        return {service.name: "--log-format json" in " ".join(service.argv) for service in found}

    assert set(forms().values()) == {False}
    monkeypatch.setenv("F1_LOG_FORMAT", "json")
    get_settings.cache_clear()
    assert forms() == {"dagster-code": True, "dagster": True, "dagster-daemon": True}


def test_the_command_writes_json(tmp_path: Path) -> None:
    environment = {**os.environ, "F1_HOME": str(tmp_path), "F1_LOG_FORMAT": "json", "F1_SOURCE": "f1db"}
    environment |= {
        "F1_F1DB_URL": "http://ada:mirror-password@127.0.0.1:1/f1db",
        "F1_HTTP_RETRY_SECONDS": "0",
    }
    done = subprocess.run(
        [str(TOOLS / "f1"), "update"], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert lines[-1]["level"] == "error"
    assert {line["component"] for line in lines} == {"f1"}
    assert "mirror-password" not in done.stdout + done.stderr


def test_the_api_writes_json(tmp_path: Path) -> None:
    code = (
        "import logging; from f1_app.api.app import create_app; create_app();"
        "logging.getLogger('uvicorn.error').info('started'); logging.getLogger('f1.api').error('no answer')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "F1_HOME": str(tmp_path), "F1_LOG_FORMAT": "json"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["component"], line["logger"], line["message"]) for line in lines] == [
        ("api", "uvicorn.error", "started"),
        ("api", "f1.api", "no answer"),
    ]
