"""The API against its own document, and against who means it harm."""

from __future__ import annotations

import http.client
import socket
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS
from schemathesis.specs.openapi.checks import negative_data_rejection

from f1_app.api.app import create_app
from f1_app.api.errors import Code

CODES = tuple(Code)
DOCUMENT = create_app().openapi()
schema = schemathesis.openapi.from_dict(DOCUMENT)
QUICK = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

SQL = [
    "' OR '1'='1",
    "2026-testland'; DROP TABLE races; --",
    '" UNION SELECT sql FROM sqlite_master --',
    "1; ATTACH DATABASE '/tmp/x.db' AS x",
    "pg_sleep(10)",
    "%27%20OR%201=1",
    "2026' AND randomblob(1000000000) --",
]
ODD = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "a" * 5_000,
    "9" * 400,
    "-1",
    "1e9",
    "NaN",
    "\u0662\u0660\u0662\u0666",
    "\uff12\uff10\uff12\uff16",
    "\u0130",
    "\u202e2026",
    "\ud7ff\ue000",
    "😀" * 50,
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "${jndi:ldap://127.0.0.1/x}",
    "2026-test\r\nX-Injected: yes",
]
INSIDE = ("traceback", "sqlalchemy", "sqlite", "psycopg", "select ", "site-packages", "/tmp/", "/home/")  # noqa: S108


@schema.parametrize()
@QUICK
def test_answers_are_those_of_the_document(api: Any, case: schemathesis.Case) -> None:
    """Status, media type and content of whatever Schemathesis asks, valid or not."""
    case.call_and_validate(base_url=api.base, session=api.session, timeout=20)


def places() -> list[tuple[str, str, str]]:
    """Path, place and name of every parameter."""
    return [
        (path, parameter["in"], parameter["name"])
        for path, methods in DOCUMENT["paths"].items()
        for parameter in methods["get"].get("parameters", [])
    ]


VALID = {"race": "2026-testland", "season": "2026", "driver": "ada-arrow", "circuit": "testring"}


def address(path: str, where: str, name: str, value: str) -> str:
    for known, good in VALID.items():
        path = path.replace(f"{{{known}}}", value if where == "path" and known == name else good)
    return path if where == "path" else f"{path}?{name}={value}"


def raw(base: str, target: bytes, headers: list[tuple[bytes, bytes]] = []) -> tuple[int, bytes]:  # noqa: B006
    """Status and body of a request as it is written, without a library that would mend it."""
    parts = urlsplit(base)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        lines = [b"GET " + target + b" HTTP/1.1", b"Host: x", b"Connection: close"]
        lines += [name + b": " + value for name, value in headers]
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.getheader("X-Injected") is None
        return answer.status, answer.read()


def harmless(status: int, body: bytes) -> None:
    assert status < 500, body
    text = body.decode("utf-8").lower()
    # What a client sent may be said back to it; what the server is made of may not.
    assert status == 200 or not [word for word in INSIDE if word in text], text


@pytest.mark.parametrize(("path", "where", "name"), places())
def test_hostile_values_in_every_parameter(api: Any, path: str, where: str, name: str) -> None:
    for value in (*SQL, *ODD):
        answer = api.session.get(api.base + address(path, where, name, quote(value, safe="")), timeout=20)
        assert answer.status_code in (200, 404, 422), (value, answer.text)
        if answer.status_code != 200:
            assert answer.json()["code"] in CODES
            assert not [word for word in INSIDE if word in answer.text.lower()], answer.text
        else:
            # Nothing of these is valid, except where it is no value at all.
            assert value in ("", " ", "1e9") or where == "query", (value, answer.text)
    assert api("races").json()["total"] == 6


@given(value=st.binary(min_size=1, max_size=60))
@settings(QUICK, max_examples=60)
def test_any_bytes_in_a_path_and_a_query(api: Any, value: bytes) -> None:
    escaped = "".join(f"%{byte:02x}" for byte in value).encode()
    for target in (
        b"/api/v1/predictions/race/" + escaped,
        b"/api/v1/races?season=" + escaped,
        b"/api/v1/races?" + escaped + b"=1",
        b"/" + escaped,
    ):
        harmless(*raw(api.base, target))


@pytest.mark.parametrize(
    "headers",
    [
        [(b"Accept", b"\xff\xfe\x80")],
        [(b"Accept", b"application/json;q=nan, text/csv;q=inf, */*;q=-1")],
        [(b"Accept", b"text/csv, " * 3_000)],
        [(b"If-None-Match", b'"' * 3_000)],
        [(b"If-None-Match", b"\xff\xfe")],
        [(b"If-None-Match", b"W/*, " * 500)],
        [(b"X-Forwarded-For", b"a" * 5_000)],
        [(b"Range", b"bytes=0-0,1-1,5-3")],
        [(b"Origin", b"null"), (b"Host", b"evil.example")],
        [(b"Content-Length", b"5"), (b"Content-Type", b"application/json")],
    ],
)
def test_hostile_headers(api: Any, headers: list[tuple[bytes, bytes]]) -> None:
    status, body = raw(api.base, b"/api/v1/predictions/next-race", headers)
    harmless(status, body)
    assert status in (200, 304, 400, 406)


def test_very_long_addresses_and_many_parameters(api: Any) -> None:
    for target in (
        b"/api/v1/races?season=" + b"1" * 50_000,
        b"/api/v1/races?" + b"&".join(b"a%d=1" % number for number in range(3_000)),
        b"/api/v1/" + b"a/" * 10_000,
    ):
        status, body = raw(api.base, target)
        harmless(status, body)
        assert 400 <= status < 500
        assert len(body) < 5_000


def test_the_document_is_checked_for_what_matters() -> None:
    """The checks of Schemathesis are on: a version without them would find nothing."""
    names = (
        set(CHECKS.get_all_names())
        if hasattr(CHECKS, "get_all_names")
        else {check.__name__ for check in CHECKS.get_all()}
    )
    assert {"status_code_conformance", "content_type_conformance", "response_schema_conformance"} <= names
    assert "not_a_server_error" in names
    assert negative_data_rejection.__name__ in names
