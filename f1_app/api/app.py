"""The application: routes below ``/api/v1``, and around them, from outside in, what every request passes.

The count of requests, proxy headers (who the client is), CORS, the limit of requests, finished answers, and only then
FastAPI. The order is meant: a refused request costs nothing, a kept answer is sent without routing, both carry the
headers of CORS, and all are counted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from f1_app.api import errors, metrics
from f1_app.api.answers import Answers
from f1_app.api.gate import Gate
from f1_app.api.parameters import FORM
from f1_app.api.routes import analytics, calendar, championships, health, listings, predictions
from f1_app.api.routes.shared import ERRORS
from f1_app.database import Watch, tables_url
from f1_pipeline.settings import Settings, get_settings

PREFIX = "/api/v1"
ABOUT = """Forecasts of Formula 1 races and championships with their probabilities, results, ratings and standings.

Everything is read from the tables that the pipeline has made; nothing can be changed. Every forecast says what it knew
(`horizon`, `cutoff`), what made it (`model`, `model_version`), when (`made_at`), on which release of the data, and
whether the data are simulated. Answers are JSON or, asked for with `Accept: text/csv` or `?format=csv`, CSV. Times are
UTC, probabilities are between 0 and 1. Not for betting.

Data: [F1DB](https://github.com/f1db/f1db), [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/), with ratings,
forecasts and scores added. Of the days before F1DB has a weekend they may be Jolpica's, which are for non-commercial use
only ([CC BY-NC-SA 4.0](https://creativecommons.org/licenses/by-nc-sa/4.0/)). Not associated in any way with the Formula 1
companies."""
TAGS = [
    {"name": "predictions", "description": "Forecasts of races"},
    {"name": "championship", "description": "Standings, and how the championship may end"},
    {"name": "listings", "description": "Races, calendars, drivers, constructors, circuits"},
    {"name": "analytics", "description": "Scores, ratings, circuits"},
    {"name": "health", "description": "State of the API"},
]
HEADERS = [
    *("ETag", "Retry-After", "X-Total-Count"),
    *("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
]
"""Headers that a page of another web site may read."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API with these settings, or with those of the environment.

    Raises:
        DatabaseUnavailableError: the address of the tables is not valid. Tables that are not there yet are no error.
    """
    settings = settings or get_settings()
    watch = Watch(tables_url())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        watch.close()

    app = FastAPI(
        title="f1-forecast",
        version=version("f1-forecast"),
        summary="Read-only API of f1-forecast",
        description=ABOUT,
        openapi_tags=TAGS,
        openapi_url=f"{PREFIX}/openapi.json",
        # Their pages fetch scripts from elsewhere; `docs/api.md` is the documentation.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.settings = settings
    errors.install(app)
    topics = APIRouter(prefix=PREFIX, dependencies=[FORM], responses=ERRORS)
    routers = [module.router for module in (predictions, championships, calendar, analytics, listings)]
    for router in routers:
        topics.include_router(router)
    app.include_router(topics)
    app.include_router(health.router, prefix=PREFIX)
    app.include_router(health.router, include_in_schema=False)
    app.include_router(health.live)
    # The one that is added last is outermost.
    app.add_middleware(Answers, watch=watch)
    app.add_middleware(
        Gate,
        per_minute=settings.api_per_minute,
        next_race_per_minute=settings.api_next_race_per_minute,
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD"],
            allow_headers=["If-None-Match"],
            expose_headers=HEADERS,
            max_age=86400,
        )
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies)
    if settings.api_metrics:
        counted = metrics.Metrics()
        app.include_router(counted.router())
        routes = [
            *metrics.paths_of(PREFIX, *routers, health.router),
            *metrics.paths_of("", health.router, health.live),
            *(str(app.openapi_url), metrics.PATH),
        ]
        app.add_middleware(metrics.Meter, metrics=counted, routes=routes)
    return app
