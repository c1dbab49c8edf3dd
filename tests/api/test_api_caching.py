"""What may be kept, for how long, and that nothing old is ever sent."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from f1_app import queries
from f1_app.api import answers
from f1_pipeline.storage import schema

FORECAST = "public, max-age=3600"
STANDINGS = "public, max-age=86400"
HISTORY = "public, max-age=604800, immutable"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("predictions/next-race", FORECAST),
        ("predictions/race/2026-betatown/distribution", FORECAST),
        ("championship", FORECAST),
        ("calendar/2026", FORECAST),
        ("calendar/2026.ics", FORECAST),
        ("predictions/race/2026-testland", HISTORY),
        ("predictions/compare/2026-testland", HISTORY),
        ("standings/drivers", STANDINGS),
        ("standings/drivers?season=2026&round=1", HISTORY),
        ("analytics/model-accuracy", STANDINGS),
        ("drivers", STANDINGS),
    ],
)
def test_each_kind_says_how_long_it_may_be_kept(api: Any, path: str, kept: str) -> None:
    first = api(path)
    assert first.headers["Cache-Control"] == kept
    assert "Accept" in first.headers["Vary"]
    etag = first.headers["ETag"]
    assert etag.startswith('"')  # strong
    assert api(path).headers["ETag"] == etag
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = api(path, if_none_match=known)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == etag
        assert again.headers["Cache-Control"] == kept
        assert "Accept" in again.headers["Vary"]
    assert api(path, if_none_match='"another"').content == first.content


def test_forms_and_questions_have_tags_of_their_own(api: Any) -> None:
    paths = ("predictions/next-race", "predictions/next-race?model=uniform", "predictions/race/2026-testland")
    tags = {api(path, accept=form).headers["ETag"] for path in paths for form in ("text/csv", "*/*")}
    assert len(tags) == 6


def test_head_is_get_without_a_body(api: Any) -> None:
    for path in ("predictions/next-race", "predictions/race/2026-narnia", "/health", "openapi.json"):
        whole, head = api(path), api(path, method="HEAD")
        assert head.status_code == whole.status_code
        assert head.content == b""
        for name in ("Content-Length", "Content-Type", "Cache-Control", "ETag"):
            assert head.headers.get(name) == whole.headers.get(name) or path == "/health"


def test_a_second_answer_asks_the_tables_nothing(own_api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = own_api("predictions/next-race")
    monkeypatch.setattr(queries.races, "next_race", lambda *_: pytest.fail("the tables were asked"))
    assert own_api("predictions/next-race").content == first.content


def test_an_answer_is_not_kept_for_ever(own_api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    own_api("predictions/next-race")
    now = answers.time.monotonic()
    monkeypatch.setattr(answers.time, "monotonic", lambda: now + answers.KEPT_SECONDS + 1)
    monkeypatch.setattr(
        queries.races, "next_race", lambda *_: None
    )  # which race is next depends on the clock
    assert own_api("predictions/next-race").status_code == 404


def made_again(database: Any, race: str) -> None:
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE predictions SET win_probability = win_probability / 2, created_at = '2026-05-09 10:00:00'"
                " WHERE race_key = :race AND driver_id = 'ada-arrow'"
            ),
            {"race": race},
        )
    engine.dispose()


def test_a_new_materialisation_is_in_the_answers_at_once(own_api: Any, database: Any) -> None:
    path = "predictions/next-race?model=ensemble"
    before = own_api(path)
    assert before.json()["drivers"][0]["win_probability"] == 0.4
    for expected in (0.2, 0.1, 0.05):
        made_again(database, "2026-betatown")
        after = own_api(path, if_none_match=before.headers["ETag"])
        assert after.status_code == 200
        assert after.headers["ETag"] != before.headers["ETag"]
        probabilities = {row["driver_id"]: row["win_probability"] for row in after.json()["drivers"]}
        assert probabilities["ada-arrow"] == expected


def test_history_keeps_its_tag_until_it_is_revised(own_api: Any, database: Any, write: Any) -> None:
    paths = ("predictions/race/2026-testland", "standings/drivers?season=2026&round=1", "standings/drivers")
    past, table, current = (own_api(path).headers["ETag"] for path in paths)
    load = {"source": "f1db", "release": "v2026.6", "content_hash": "x", "row_count": 1}
    write(
        schema.data_loads,
        [{"table_name": "races", "loaded_at": dt.datetime(2026, 6, 1, tzinfo=dt.UTC), **load}],
    )
    # Nothing of what they say is another thing, but the data version is.
    assert [
        own_api(path, if_none_match=tag).status_code
        for path, tag in zip(paths, (past, table, current), strict=True)
    ] == [304, 304, 200]
    made_again(database, "2026-testland")
    revised = own_api(paths[0], if_none_match=past)
    assert revised.status_code == 200
    assert revised.headers["ETag"] != past


def test_the_data_version_is_in_the_tag(own_api: Any, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = own_api("drivers")
    monkeypatch.setattr(queries.state, "data_version", lambda _: "another")
    assert own_api("drivers").headers["ETag"] == before.headers["ETag"]  # kept: nothing was committed
    write(schema.seasons, [{"season": 1977}])
    after = own_api("drivers")
    assert after.content == before.content
    assert after.headers["ETag"] != before.headers["ETag"]


def test_what_is_kept_is_bounded() -> None:
    kept = answers.Kept()
    many = answers.KEPT_BYTES // 50_000 + 100
    for number in range(many):
        answer = answers.Answer([], b"x" * 49_000, "tag", "mark", float("inf"))
        kept.put((str(number), b"", ()), answer)
        assert kept.size <= answers.KEPT_BYTES
    assert kept.get(("0", b"", ()), "mark") is None
    assert kept.get((str(many - 1), b"", ()), "mark") is not None
    assert kept.get((str(many - 1), b"", ()), "other mark") is None
    kept.put(("big", b"", ()), answers.Answer([], b"x" * answers.KEPT_BYTES, "tag", "mark", float("inf")))
    assert kept.get(("big", b"", ()), "mark") is None
