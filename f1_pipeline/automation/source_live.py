"""What the weekend's API says about the season, and the laws of its answers as checks by name."""

from collections.abc import Iterator
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    Config,
    DagsterInstance,
    MaterializeResult,
    asset,
)
from pydantic import Field
from sqlalchemy import Engine

from f1_pipeline import clock
from f1_pipeline.assets.common import OWNERS
from f1_pipeline.assets.resources import Database
from f1_pipeline.automation.decisions import CHECKS, TOPICS, Freshness, freshness
from f1_pipeline.errors import NotReady
from f1_pipeline.storage import reads

KEY = AssetKey(["source", "live"])
FRESH = "fresh"
_FRESH = (
    "The last race that was run has a result that the bulk source has confirmed, or is not older than a day."
)


class LiveConfig(Config):
    """What to ask for: ``calendar``, ``results`` or ``standings`` of the season."""

    topics: list[str] = Field(default_factory=lambda: [*map(str, TOPICS)])


@asset(
    key=KEY,
    group_name="live",
    kinds={"python", "table"},
    owners=OWNERS,
    code_version="1",
    pool="jolpica",
    description="What Jolpica says about the season: versions of sessions, results, standings and starts, kept beside "
    "the bulk source until an update takes them in.",
    metadata={"dagster/table_name": "live_sessions"},
    check_specs=[
        *(AssetCheckSpec(name, asset=KEY, description=text, blocking=False) for name, text in CHECKS.items()),
        AssetCheckSpec(FRESH, asset=KEY, description=_FRESH, blocking=False),
    ],
)
def live_source(
    context: AssetExecutionContext, config: LiveConfig, database: Database
) -> Iterator[MaterializeResult[Any]]:
    """Ask for what the run's config names. No answer is no failure: the last good one stays."""
    if unknown := set(config.topics) - set(TOPICS):
        raise NotReady(f"no topic {sorted(unknown)[0]!r}: there are {', '.join(TOPICS)}")
    # Here, because it brings the contracts of the sources along: the code location loads without them.
    from f1_pipeline.automation.watch import Watch

    engine = database.engine()
    said: dict[str, str] = {}
    with Watch(database.settings(), engine, patient=True) as watch:
        for topic in [name for name in TOPICS if name in config.topics]:
            outcome = watch.topic(topic)
            said[topic] = str(outcome)
            context.log.info("%s", outcome)
            if outcome.stopped:
                break
    yield MaterializeResult(metadata=said, check_results=check_results(engine))


def check_results(engine: Engine) -> list[AssetCheckResult]:
    """The state of every law, over the newest question of each subject."""
    from f1_pipeline.storage.polls import polls

    broken: dict[str, list[str]] = {}
    for poll in polls(engine).values():
        if poll.check_name is not None:
            broken.setdefault(poll.check_name, []).append(f"{poll.subject}: {poll.message}")
    found = [
        AssetCheckResult(
            check_name=name,
            asset_key=KEY,
            passed=name not in broken,
            severity=AssetCheckSeverity.WARN,
            description="; ".join(broken.get(name, ())) or None,
        )
        for name in CHECKS
    ]
    state = result_freshness(engine)
    return [
        *found,
        AssetCheckResult(
            check_name=FRESH,
            asset_key=KEY,
            passed=state is None or not state.late,
            severity=AssetCheckSeverity.WARN,
            description=None if state is None else str(state),
        ),
    ]


def result_freshness(engine: Engine) -> Freshness | None:
    """How long the last race that was run has been without a final result."""
    from f1_pipeline.storage.polls import final_races

    calendar = reads.calendar(engine)
    held = calendar[~calendar["is_cancelled"].astype("bool") & calendar["start_at"].notna()]
    starts = [
        (str(key), start.to_pydatetime())
        for key, start in zip(held["race_key"], held["start_at"], strict=True)
    ]
    near = [key for key, _ in starts[-60:]]
    finished = set(held.loc[held["finished"], "race_key"])
    return freshness(starts, finished, final_races(engine, near), clock.now())


def report_checks(instance: DagsterInstance, engine: Engine) -> None:
    """State the laws outside of a run: a sensor asked, and something was wrong, or is right again."""
    for result in check_results(engine):
        instance.report_runless_asset_event(
            AssetCheckEvaluation(
                asset_key=KEY,
                check_name=str(result.check_name),
                passed=result.passed,
                severity=result.severity,
                description=result.description,
                metadata={},
            )
        )
