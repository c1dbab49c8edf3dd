"""A season of which everything is done: the state that plans are made from."""

from collections.abc import Sequence

from f1_pipeline.automation.plan import KeyRange, State

HORIZONS = ("pre_weekend", "pre_race")
CALENDAR = [f"r{number:02d}" for number in range(12)]


def settled(raced: int, calendar: Sequence[str] = CALENDAR, first: int = 2) -> State:
    """Everything done: ``raced`` races finished, forecasts from the race at ``first`` on, the next one forecast."""
    finished = set(calendar[:raced])
    hashes = {key: f"hash of {key}" for key in finished}
    forecast = set(calendar[first:raced])
    return State(
        calendar=list(calendar),
        finished=finished,
        has_grid=finished,
        has_entries=set(calendar),
        forecast_from=calendar[first],
        changed=set(),
        featured={"pre_weekend": set(calendar), "pre_race": finished},
        rated=set(calendar),
        forecast={"pre_weekend": forecast | set(calendar[raced : raced + 1]), "pre_race": forecast},
        scored={(key, horizon): hashes[key] for key in forecast for horizon in HORIZONS},
        result_hashes=hashes,
        championship=forecast | set(calendar[raced : raced + 1]),
    )


def keys_of(spans: Sequence[KeyRange], calendar: Sequence[str] = CALENDAR) -> list[str]:
    place = {key: index for index, key in enumerate(calendar)}
    return [key for span in spans for key in calendar[place[span.start] : place[span.end] + 1]]
