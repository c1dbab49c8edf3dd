"""One form and six codes for whatever goes wrong, and nothing of the inside in it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from f1_app import queries
from f1_app.api.errors import Code

CASES = [
    ("predictions/race/2026-narnia", 404, Code.RACE_NOT_FOUND, "2026-narnia"),
    ("predictions/race/2026-99", 404, Code.RACE_NOT_FOUND, "2026-99"),
    ("predictions/race/2026-deltaburg", 404, Code.NO_PREDICTIONS_AVAILABLE, "2026-deltaburg"),
    ("predictions/race/2026-testland?model=pool", 404, Code.NO_PREDICTIONS_AVAILABLE, "pool"),
    ("predictions/compare/2026-betatown?horizon=pre_race", 404, Code.NO_PREDICTIONS_AVAILABLE, "pre_race"),
    ("predictions/race/2025-testland/distribution", 404, Code.NO_PREDICTIONS_AVAILABLE, "distribution"),
    ("championship?season=2025", 404, Code.NO_PREDICTIONS_AVAILABLE, "2025"),
    ("standings/drivers?season=2026&round=4", 404, Code.RACE_NOT_FOUND, "round 4"),
    ("standings/constructors?season=1957", 404, Code.INVALID_PARAMETER, "1957"),
    ("calendar/1999", 404, Code.INVALID_PARAMETER, "1999"),
    ("calendar/1999.ics", 404, Code.INVALID_PARAMETER, "1999"),
    ("analytics/driver-performance/stig", 404, Code.INVALID_PARAMETER, "stig"),
    ("analytics/track-coefficients/narnia", 404, Code.INVALID_PARAMETER, "narnia"),
    ("nothing/here", 404, Code.INVALID_PARAMETER, "address"),
    ("races/", 404, Code.INVALID_PARAMETER, "address"),
    ("predictions/race/Bad Name", 422, Code.INVALID_PARAMETER, "race"),
    ("predictions/race/2026-testland?model=oracle", 422, Code.INVALID_PARAMETER, "model"),
    ("calendar/20x6", 422, Code.INVALID_PARAMETER, "season"),
    ("championship?round=9", 404, Code.NO_PREDICTIONS_AVAILABLE, "championship"),
    ("races?sesson=2026", 422, Code.INVALID_PARAMETER, "sesson"),
    ("races?season=2026&season=2025", 422, Code.INVALID_PARAMETER, "season"),
    ("races?limit=0", 422, Code.INVALID_PARAMETER, "limit"),
    ("races?offset=-1", 422, Code.INVALID_PARAMETER, "offset"),
    ("races?format=xml", 422, Code.INVALID_PARAMETER, "format"),
]


def check_form(answer: Any, status: int, code: Code) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
    content: dict[str, Any] = answer.json()
    assert list(content) == ["error", "code", "details"]
    assert content["code"] == code
    assert isinstance(content["details"], dict)
    return content


@pytest.mark.parametrize(("path", "status", "code", "names"), CASES)
def test_every_error_has_one_form(api: Any, path: str, status: int, code: Code, names: str) -> None:
    content = check_form(api(path), status, code)
    assert names in content["error"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(api: Any, method: str) -> None:
    answer = api("races", method=method)
    check_form(answer, 405, Code.INVALID_PARAMETER)
    assert answer.headers["Allow"] == "GET"


def test_a_form_that_there_is_not(api: Any) -> None:
    check_form(api("races", accept="application/xml"), 406, Code.INVALID_PARAMETER)
    check_form(api("races", accept="text/calendar"), 406, Code.INVALID_PARAMETER)
    assert (
        api("races", accept="application/xml, text/csv;q=0.1").headers["Content-Type"].startswith("text/csv")
    )
    assert (
        api("races", accept="text/csv;q=0.2, application/json;q=0.1")
        .headers["Content-Type"]
        .startswith("text/csv")
    )
    assert api("races", accept="nonsense;;;,q=").status_code in (200, 406)


def test_no_race_ahead_is_no_race(serving: Any, small_database: Any, home: Path) -> None:
    import datetime as dt

    from sqlalchemy import create_engine, text

    small_database(next_date=dt.date(2026, 6, 1))
    engine = create_engine(f"sqlite:///{home / 'f1.db'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE races SET is_cancelled = 1 WHERE date > '2026-05-05'"))
    engine.dispose()
    with serving() as api:
        check_form(api("predictions/next-race"), 404, Code.RACE_NOT_FOUND)


def test_tables_that_cannot_be_read(own_api: Any, database: Path, caplog: pytest.LogCaptureFixture) -> None:
    database.write_bytes(b"no database" * 1000)
    with caplog.at_level(logging.ERROR, "f1.api"):
        answer = own_api("races")
    content = check_form(answer, 503, Code.EXTERNAL_SERVICE_ERROR)
    assert answer.headers["Retry-After"] == "30"
    assert str(database.parent) not in answer.text
    assert "sqlite" not in answer.text.lower()
    assert content["details"] == {}
    assert "no answer from the tables" in caplog.text


def test_an_internal_error_keeps_its_cause_to_itself(
    own_api: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("SELECT secret FROM /home/somebody")

    monkeypatch.setattr(queries.listings, "races_page", fail)
    with caplog.at_level(logging.ERROR, "f1.api"):
        answer = own_api("races")
    check_form(answer, 500, Code.INTERNAL_ERROR)
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    assert "SELECT secret" in caplog.text  # with its stack, for whoever operates it
    assert own_api("drivers").status_code == 200
