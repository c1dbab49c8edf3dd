"""Questions to the Ergast-compatible API of Jolpica, and whole answers.

An answer has at most 100 rows, whatever is asked for, and rows are the innermost ones: a season of results
takes five pages, and a race can begin on one and end on the next. The client asks for all pages, joins the
parts, and counts: ``total`` has to be what there is.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from requests_cache import AnyResponse

from f1_pipeline.errors import SourceBusy, SourceRefused, SourceUnavailable
from f1_pipeline.sources.budget import Budget
from f1_pipeline.sources.http import RETRY_AFTER_MAX, with_retries
from f1_pipeline.sources.jolpica.session import CONFIRMED, CachedSession, read_answer, unusable

URL = "https://api.jolpi.ca/ergast/f1"
PAGE = 100
"""Rows asked for at once. The API cuts a greater number to this one without a word."""


@dataclass(frozen=True)
class _Kind:
    """Where the API keeps something: path, table, list in it, and rows in an element of that list (None: itself)."""

    path: str
    table: str
    list: str
    rows: str | None


_KINDS = {
    "schedule": _Kind("races", "RaceTable", "Races", None),
    "results": _Kind("results", "RaceTable", "Races", "Results"),
    "qualifying": _Kind("qualifying", "RaceTable", "Races", "QualifyingResults"),
    "sprint": _Kind("sprint", "RaceTable", "Races", "SprintResults"),
    "driver standings": _Kind("driverstandings", "StandingsTable", "StandingsLists", "DriverStandings"),
    "constructor standings": _Kind(
        "constructorstandings", "StandingsTable", "StandingsLists", "ConstructorStandings"
    ),
}


@dataclass(frozen=True)
class Answer:
    """A whole answer: ``items`` are races or lists of standings in the words of the API, each with all its rows.

    No items means "not yet", or that there is no such round: the API does not tell which. ``confirmed_at`` is when
    the source last said so (of several pages the oldest), ``rows`` the number of innermost rows.
    """

    what: str
    items: list[dict[str, Any]] = field(repr=False)
    rows: int
    confirmed_at: datetime


@dataclass(frozen=True)
class _Page:
    """A page: its items and their innermost rows, the total it states, and whether it came from the cache unasked."""

    items: list[dict[str, Any]]
    rows: int
    total: int
    confirmed_at: datetime
    kept: bool


class JolpicaClient:
    """The API, asked no more often than ``budget`` allows. Use it in a ``with`` statement, in one thread.

    Args:
        budget: shared by all processes of the installation.
        cache_dir: directory of kept answers; they count for ``expire_after`` seconds, or for as long as they say.
        url: address above the seasons.
        timeout: of one request, in seconds.
        waits: before each retry of a transient failure, in seconds.
        longest: the longest wait that the source may ask for, in seconds.

    All questions raise:
        BudgetExhausted: the hour's requests are used up, or the source wanted to be left alone; says until when.
        SourceBusy: the source asks for a longer wait than ``longest``; says until when.
        SourceUnavailable: not reachable, cut short, or of pages that do not fit together.
        SourceRefused: the source said no, or answered with something else than Ergast's JSON.
    """

    def __init__(
        self,
        budget: Budget,
        cache_dir: Path,
        *,
        url: str = URL,
        timeout: float = 30.0,
        waits: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0),
        longest: float = RETRY_AFTER_MAX,
        expire_after: float = 3600.0,
    ) -> None:
        self._budget = budget
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._waits = waits
        self._longest = longest
        self._file = cache_dir / "jolpica.sqlite"
        self._session = CachedSession(cache_dir, budget, expire_after)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and cache."""
        self._session.close()  # type: ignore[no-untyped-call]

    def used(self) -> int:
        """Requests of the last hour, of all processes."""
        return self._budget.used()

    def schedule(self, season: int, round_: int | None = None, *, force: bool = False) -> Answer:
        """Races of a season with the times of their sessions. ``force``: ask again even what is fresh."""
        return self._ask("schedule", season, round_, force)

    def results(self, season: int, round_: int | None = None, *, force: bool = False) -> Answer:
        """Results of a race, or of all races of a season so far."""
        return self._ask("results", season, round_, force)

    def qualifying(self, season: int, round_: int | None = None, *, force: bool = False) -> Answer:
        """Qualifying of a race, or of all races of a season so far. Sprint qualifying is not in this API."""
        return self._ask("qualifying", season, round_, force)

    def sprint(self, season: int, round_: int | None = None, *, force: bool = False) -> Answer:
        """The sprint of a weekend, or all sprints of a season so far."""
        return self._ask("sprint", season, round_, force)

    def driver_standings(self, season: int, round_: int | None = None, *, force: bool = False) -> Answer:
        """Standings of drivers after a round, or after the last one there is."""
        return self._ask("driver standings", season, round_, force)

    def constructor_standings(self, season: int, round_: int | None = None, *, force: bool = False) -> Answer:
        """Standings of constructors after a round, or after the last one there is."""
        return self._ask("constructor standings", season, round_, force)

    def _ask(self, name: str, season: int, round_: int | None, force: bool) -> Answer:
        what = f"jolpica: {name} of {season}" + (f" round {round_}" if round_ is not None else "")
        try:
            pages = self._pages(_KINDS[name], season, round_, what, force)
            of_two_moments = len({page.kept for page in pages}) > 1
            if of_two_moments or (pages[0].kept and _mismatch(pages) is not None):
                # They need not fit together, and would not until the kept ones expire.
                pages = self._pages(_KINDS[name], season, round_, what, force=True)
        except SourceBusy as error:
            self._budget.close_until(error.retry_at)
            raise
        except sqlite3.Error as error:
            raise SourceUnavailable(f"{what}: {unusable(self._file, error)}") from error
        fault = _mismatch(pages)
        if fault is not None:
            raise SourceUnavailable(f"{what}: {fault}")
        try:
            items = _join(pages, _KINDS[name].rows)
            _check_asked(items, season, round_, what)
        except (KeyError, TypeError, ValueError) as error:
            raise SourceRefused(f"{what}: races without season and round ({error!r})") from error
        return Answer(what, items, pages[-1].total, min(page.confirmed_at for page in pages))

    def _pages(self, kind: _Kind, season: int, round_: int | None, what: str, force: bool) -> list[_Page]:
        # With a slash at the end: without it the API redirects, and a redirect is a request too.
        path = f"{self._url}/{season}/{'' if round_ is None else f'{round_}/'}{kind.path}/"
        pages: list[_Page] = []
        offset = 0
        while True:
            page = self._page(path, kind, offset, what, force)
            pages.append(page)
            # What came, not what was asked for: a page may be shorter than its `limit`.
            offset += page.rows
            if page.rows == 0 or offset >= page.total:
                return pages

    def _page(self, path: str, kind: _Kind, offset: int, what: str, force: bool) -> _Page:
        def get(**how: bool) -> AnyResponse:
            return with_retries(
                lambda: self._session.get(
                    path, params={"limit": PAGE, "offset": offset}, timeout=self._timeout, **how
                ),
                self._waits,
                what,
                self._longest,
            )

        response = get(refresh=force)
        if force and _kept(response):
            # Kept without a mark to compare by, so it can only be fetched as a whole.
            response = get(force_refresh=True)
        data = read_answer(response)
        try:
            items = data[kind.table][kind.list]
            rows = len(items) if kind.rows is None else sum(len(item[kind.rows]) for item in items)
            total, at = int(data["total"]), int(data["offset"])
        except (KeyError, TypeError, ValueError) as error:
            raise SourceRefused(f"{what}: {response.url} answers in another shape ({error!r})") from error
        if at != offset:
            raise SourceRefused(f"{what}: asked for the rows from {offset} on, got those from {at} on")
        confirmed = datetime.fromisoformat(response.headers[CONFIRMED])
        return _Page(items, rows, total, confirmed, _kept(response))


def _kept(response: AnyResponse) -> bool:
    return response.from_cache and not response.revalidated


def _mismatch(pages: list[_Page]) -> str | None:
    """What does not fit together in the pages of an answer, if anything."""
    totals = [page.total for page in pages]
    if len(set(totals)) > 1:
        return f"the total went from {totals[0]} to {totals[-1]} rows between two pages"
    rows = sum(page.rows for page in pages)
    return None if rows == totals[0] else f"{rows} rows came, but the answer says that there are {totals[0]}"


def _join(pages: list[_Page], rows: str | None) -> list[dict[str, Any]]:
    """Items of all pages, the parts of a race that two pages share put together."""
    joined: dict[tuple[str, str], dict[str, Any]] = {}
    for item in (item for page in pages for item in page.items):
        key = (item["season"], item["round"])
        if rows is None or key not in joined:
            joined[key] = dict(item)
        else:
            joined[key][rows] = [*joined[key][rows], *item[rows]]
    return list(joined.values())


def _check_asked(items: list[dict[str, Any]], season: int, round_: int | None, what: str) -> None:
    """Refuse races that nobody asked for: an API that ignored the round would give one race the results of all."""
    for item in items:
        if int(item["season"]) != season or (round_ is not None and int(item["round"]) != round_):
            raise SourceRefused(f"{what}: got season {item['season']} round {item['round']}")
