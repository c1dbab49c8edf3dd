"""What Prometheus is told about the API: correct counts, few labels, and the age of the data."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from f1_app.api.app import create_app
from f1_app.api.metrics import NO_ROUTE, Templates
from f1_pipeline.settings import get_settings


def scrape(api: Any) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Values by name and labels."""
    answer = api("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert answer.headers["Cache-Control"] == "no-store"
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def _of(metrics: dict[str, Any], **labels: str) -> float:
    return metrics["f1_api_requests_total"].get(tuple(sorted(labels.items())), 0.0)


def test_requests_are_counted_by_template(database: Path, serving: Any) -> None:
    with serving() as api:
        etag = api("races").headers["ETag"]
        assert api("races").status_code == 200, "kept: FastAPI never sees this one"
        assert api("races", if_none_match=etag).status_code == 304
        assert api("races", method="HEAD").status_code == 200
        for race in ("2026-testland", "2026-betatown", "2026-narnia"):
            api(f"predictions/race/{race}")
        assert api("races?limit=nine").status_code == 422
        assert api("races", method="POST").status_code == 405
        found = scrape(api)
        races = "/api/v1/races"
        assert _of(found, route=races, method="GET", status="200") == 2
        assert _of(found, route=races, method="GET", status="304") == 1
        assert _of(found, route=races, method="HEAD", status="200") == 1
        assert _of(found, route=races, method="GET", status="422") == 1
        assert _of(found, route=races, method="other", status="405") == 1
        race = "/api/v1/predictions/race/{race}"
        assert _of(found, route=race, method="GET", status="200") == 2
        assert _of(found, route=race, method="GET", status="404") == 1
        assert found["f1_api_request_seconds_count"][("route", races),] == 6
        assert found["f1_api_request_seconds_sum"][("route", races),] > 0
        assert found["f1_api_requests_in_progress"][()] == 1, "the scrape itself"
        assert _of(scrape(api), route="/metrics", method="GET", status="200") == 1


def test_a_million_addresses_are_one_label(database: Path, serving: Any) -> None:
    with serving() as api:
        for number in range(30):
            api(f"nothing/{number}")
            api(f"/wp-admin/{number}.php")
            api(f"predictions/race/{number}")
        labels = {dict(key)["route"] for key in scrape(api)["f1_api_requests_total"]}
    assert labels == {NO_ROUTE, "/api/v1/predictions/race/{race}"}


@given(st.text(max_size=60), st.text(max_size=20))
def test_a_template_is_one_of_the_list(path: str, part: str) -> None:
    routes = ["/a", "/a/{one}", "/a/{one}/b"]
    templates = Templates(routes)
    assert templates.of(path) in {*routes, NO_ROUTE}
    if part and "/" not in part and "\n" not in part:
        assert templates.of(f"/a/{part}") == "/a/{one}"
        assert templates.of(f"/a/{part}/b") == "/a/{one}/b"


def test_every_route_of_the_document_has_its_template(database: Path) -> None:
    app = create_app()
    meter = next(layer for layer in app.user_middleware if layer.kwargs.get("routes"))
    templates = Templates(meter.kwargs["routes"])
    for path in (*app.openapi()["paths"], "/health", "/health/live", "/metrics", "/api/v1/openapi.json"):
        assert templates.of(path.replace("{", "").replace("}", "")) == path


def test_refused_requests_are_counted_and_scrapes_are_not_refused(
    database: Path, serving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("F1_API_PER_MINUTE", "2")
    get_settings.cache_clear()
    with serving() as api:
        assert [api("races").status_code for _ in range(4)] == [200, 200, 429, 429]
        found = [scrape(api) for _ in range(5)][-1]
        assert _of(found, route="/api/v1/races", method="GET", status="429") == 2


def test_a_failure_inside_is_a_500(database: Path, serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("f1_app.queries.listings.races", None)
    with serving() as api:
        assert api("races").status_code == 500
        assert _of(scrape(api), route="/api/v1/races", method="GET", status="500") == 1


def test_the_age_of_the_data(database: Path, serving: Any) -> None:
    with serving() as api:
        found = scrape(api)
    loaded = dt.datetime(2026, 5, 4, 7, tzinfo=dt.UTC)
    newest = dt.datetime(2026, 5, 3, tzinfo=dt.UTC)
    now = dt.datetime.now(dt.UTC)
    assert found["f1_tables_up"][()] == 1
    assert found["f1_data_age_seconds"][()] == pytest.approx((now - loaded).total_seconds(), abs=30)
    assert found["f1_newest_result_age_seconds"][()] == pytest.approx((now - newest).total_seconds(), abs=30)
    assert found["f1_next_race_forecast_age_seconds"][()] > 0


def test_without_tables_it_is_told_so(home: Path, serving: Any) -> None:
    with serving() as api:
        found = scrape(api)
    assert found["f1_tables_up"][()] == 0
    assert "f1_data_age_seconds" not in found


def test_it_can_be_turned_off(database: Path, serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F1_API_METRICS", "false")
    get_settings.cache_clear()
    with serving() as api:
        assert api("/metrics").status_code == 404
        assert api("races").status_code == 200
