"""How often a client may ask, who a client is, and which web sites may read the answers."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from f1_app.api import windows
from f1_app.api.gate import client_of
from f1_pipeline.settings import Settings, get_settings

NEXT = "predictions/next-race"


@pytest.fixture
def limited(database: Any, serving: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Serve with some settings; the limits are those that an installation begins with."""

    def start(**settings: str) -> Any:
        for name in [name for name in os.environ if name.startswith("F1_API_")]:
            monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(f"F1_{name.upper()}", value)
        get_settings.cache_clear()
        return serving()

    return start


def test_a_hundred_a_minute_and_twenty_for_the_next_race(limited: Any) -> None:
    with limited() as api:
        first = api(NEXT)
        assert (first.headers["RateLimit-Limit"], first.headers["RateLimit-Remaining"]) == ("20", "19")
        assert 1 <= int(first.headers["RateLimit-Reset"]) <= 60
        assert {api(NEXT).status_code for _ in range(18)} == {200}
        assert api(NEXT, if_none_match=first.headers["ETag"]).status_code == 304  # counts as well
        refused = api(NEXT)
        assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMIT_EXCEEDED")
        assert refused.headers["Cache-Control"] == "no-store"
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.json()["details"]["limit"] == 20
        # Errors count, whatever is refused above does not, and the next race is one of the hundred.
        assert api("predictions/race/2026-narnia").headers["RateLimit-Remaining"] == "79"
        assert {api("seasons").status_code for _ in range(79)} == {404}
        assert api("races").status_code == 429
        # What is needed to know that it is alive is never refused.
        assert {
            api(path).status_code for path in ("/health", "health", "/health/live") for _ in range(40)
        } == {200}


def test_limits_are_settings(limited: Any) -> None:
    with limited(api_per_minute="2", api_next_race_per_minute="0") as api:
        assert [api(NEXT).status_code for _ in range(3)] == [200, 200, 429]
    with limited(api_per_minute="0", api_next_race_per_minute="0") as api:
        assert "RateLimit-Limit" not in api(NEXT).headers


def test_a_client_is_who_the_trusted_proxy_says(limited: Any) -> None:
    with limited(api_per_minute="1", api_trusted_proxies="127.0.0.1, 10.0.0.0/8") as api:
        assert api("races", x_forwarded_for="203.0.113.1").status_code == 200
        assert api("races", x_forwarded_for="203.0.113.1").status_code == 429
        assert api("races", x_forwarded_for="203.0.113.2").status_code == 200
        # What a client writes itself stands left of what the proxies append.
        assert api("races", x_forwarded_for="198.51.100.9, 203.0.113.1").status_code == 429
        assert api("races", x_forwarded_for="203.0.113.3, 10.2.3.4").status_code == 200
        assert api("races", x_forwarded_for="203.0.113.3, 10.9.9.9").status_code == 429


def test_nobody_else_is_believed(limited: Any) -> None:
    with limited(api_per_minute="1") as api:
        assert api("races", x_forwarded_for="203.0.113.1").status_code == 200
        assert api("races", x_forwarded_for="203.0.113.2").status_code == 429
    with limited(api_per_minute="1", api_trusted_proxies="10.0.0.1") as api:
        assert api("races", x_forwarded_for="203.0.113.1").status_code == 200
        assert api("races", x_forwarded_for="203.0.113.2").status_code == 429


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("fe80::1%eth0", "fe80::"),
        ("no:address", "no:address"),
    ],
)
def test_who_counts_as_one(address: str, client: str) -> None:
    assert client_of({"client": (address, 1234)}) == client


def test_a_socket_without_an_address_is_one_client() -> None:
    assert client_of({"client": None}) == client_of({}) == "unknown"


@given(
    gaps=st.lists(st.floats(0, 40), min_size=1, max_size=60),
    limit=st.integers(1, 5),
)
def test_never_more_than_the_limit_in_any_minute(gaps: list[float], limit: int) -> None:
    clock = 1_000_000.0
    accepted: list[float] = []
    store = windows.Windows()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows.time, "time", lambda: clock)
        for gap in gaps:
            clock += gap
            within = [moment for moment in accepted if moment >= clock - 60]
            assert store.get_moving_window("a", limit, 60)[1] == len(within)
            # Refused exactly where one more would be one too many: the law from both sides.
            took = store.acquire_entry("a", limit, 60)
            assert took == (len(within) < limit)
            accepted += [clock] * took


def test_clients_who_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "CLIENTS", 50)
    clock = 1_000_000.0
    monkeypatch.setattr(windows.time, "time", lambda: clock)
    store = windows.Windows()
    for number in range(500):
        store.acquire_entry(f"fast {number}", 3, 60)
        assert len(store) <= 50
    for number in range(500):
        clock += 10
        store.acquire_entry(f"slow {number}", 3, 60)
    assert len(store) < 10
    assert store.reset() is not None
    assert len(store) == 0


def test_web_sites_that_may_read(limited: Any) -> None:
    ours, other = "https://example.org", "https://elsewhere.example"
    with limited(api_cors_origins=f"{ours}, http://127.0.0.1:8501", api_per_minute="4") as api:
        answer = api("races", origin=ours)
        assert answer.headers["Access-Control-Allow-Origin"] == ours
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
        assert {"Accept", "Origin"} <= {word.strip() for word in answer.headers["Vary"].split(",")}
        assert "Access-Control-Allow-Origin" not in api("races", origin=other).headers
        asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match"}
        before = api("races", method="OPTIONS", origin=ours, **asked)
        assert before.status_code == 200
        assert api("races", method="OPTIONS", origin=other, **asked).status_code == 400
        assert [api("races", origin=ours).status_code for _ in range(3)] == [200, 200, 429]
        # A page has to see why it is refused.
        assert api("races", origin=ours).headers["Access-Control-Allow-Origin"] == ours
    with limited() as api:
        assert "Access-Control-Allow-Origin" not in api("races", origin=ours).headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_trusted_proxies", "proxy.example"),
        ("api_trusted_proxies", "10.0.0.0/99"),
        ("api_cors_origins", "example.org"),
        ("api_cors_origins", "https://example.org/path"),
        ("api_per_minute", "-1"),
    ],
)
def test_settings_that_cannot_work_are_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings.model_validate({name: value})


def test_forecasts_can_be_turned_off(limited: Any, home: Any) -> None:
    with limited(enable_predictions="false") as api:
        for path in (
            *(NEXT, "predictions/race/2026-testland", "predictions/race/2026-testland/distribution"),
            *("predictions/compare/2026-testland", "championship", "analytics/model-accuracy"),
        ):
            answer = api(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "NO_PREDICTIONS_AVAILABLE"), path
        for path in ("races", "calendar/2026"):
            assert '"prediction_available":true' not in api(path).text
        assert api("standings/drivers").status_code == 200
        assert api("analytics/driver-performance/ada-arrow").status_code == 200
        health = api("health").json()
        assert (health["predictions_enabled"], health["data"]["next_race_forecast_at"]) == (False, None)
