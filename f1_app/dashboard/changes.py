"""What differs between two versions of the rows of a race, and what should be here and is not. Pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from f1_app.dashboard import style
from f1_app.dashboard.data import State

# The order in which rows are kept says nothing that the position does not say.
_UNSAID = {"display_order"}
COLUMNS = ["session", "who", "field", "before", "after"]


@dataclass(frozen=True, slots=True)
class _Row:
    session: str
    who: str
    values: Mapping[str, Any]


def _keyed(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], _Row]:
    """Rows by who they are of. A car that two drivers shared has two rows of the same driver in old races."""
    seen: Counter[tuple[Any, ...]] = Counter()
    found = {}
    for row in rows:
        who = row.get("driver_id") or row.get("constructor_id") or ""
        # A driver keeps his name when his team is corrected; a team is told apart by its engine.
        key = (
            row.get("session"),
            who,
            None if row.get("driver_id") else row.get("engine_id"),
        )
        found[(*key, seen[key])] = _Row(row.get("session") or "", who, row)
        seen[key] += 1
    return found


def differences(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> pd.DataFrame:
    """One row for each value that changed, columns ``COLUMNS``; a row that came or went is one change of ``(row)``.

    ``names`` says how drivers and teams are called; who is not in it keeps the id.
    """
    old, new = _keyed(before), _keyed(after)
    found: list[tuple[str, str, str, str, str]] = []
    for key in [*new, *(key for key in old if key not in new)]:
        was, now = old.get(key), new.get(key)
        row = new.get(key) or old[key]
        who = names.get(row.who, row.who)
        if was is None or now is None:
            found.append((row.session, who, "(row)", "" if was is None else "there", "there" if now else ""))
            continue
        for name in [*now.values, *(name for name in was.values if name not in now.values)]:
            if name in _UNSAID:
                continue
            first, then = was.values.get(name), now.values.get(name)
            if first != then:
                found.append((row.session, who, name, _text(first), _text(then)))
    return pd.DataFrame(found, columns=COLUMNS)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def in_words(changes: pd.DataFrame) -> str:
    """The changes of one version in a few words: which values, and of how many."""
    if changes.empty:
        return "the same values in another order"
    fields = changes["field"].value_counts()
    words = [
        f"{style.plural(int(count), 'row')} added or removed"
        if name == "(row)"
        else f"{str(name).replace('_', ' ')} ({style.plural(int(count), 'row')})"
        for name, count in fields.head(3).items()
    ]
    more = len(fields) - len(words)
    return ", ".join(words) + (f" and {style.plural(more, 'other value')}" if more else "")


def late(
    state: State,
    forecast_at: Mapping[str, dt.datetime],
    *,
    has_grid: bool,
    results_at: dt.datetime | None,
    unscored: Sequence[str],
    polls: pd.DataFrame,
) -> list[str]:
    """What should be here and is not, in words; empty when everything is up to date.

    Args:
        state: What the database holds.
        forecast_at: When the forecasts of the next race were made, by horizon.
        has_grid: The grid of the next race is known.
        results_at: When results of races were last taken in.
        unscored: Races that were forecast and run and have no score.
        polls: The newest question about each subject to a source.
    """
    found = []
    if state.next is not None:
        name = state.next.name
        if state.days_late and not state.loaded.simulated:
            due = style.plural(state.days_late, "day")
            found.append(f"**Result of the {name}**: the race was due {due} ago and has none here.")
        if not forecast_at:
            found.append(f"**Forecast of the {name}**: there is none yet.")
        elif has_grid and "pre_race" not in forecast_at:
            found.append(
                f"**Forecast of the {name} after qualifying**: the grid is known, the forecast is not made."
            )
        if forecast_at and results_at and max(forecast_at.values()) < results_at:
            made = style.utc_minute(max(forecast_at.values()))
            found.append(f"**Forecast of the {name}**: made {made}, before the newest results were taken in.")
    if unscored:
        found.append(
            f"**Scores** of {style.plural(len(unscored), 'race')} that were forecast and run: {', '.join(unscored[:5])}"
            + (" and others." if len(unscored) > 5 else ".")
        )
    for row in polls.to_dict("records"):
        if row["outcome"] in ("failed", "refused", "stopped"):
            why = f": {row['message']}" if row["message"] else ""
            asked = style.utc_minute(row["asked_at"])
            found.append(f"**{row['source']}, {row['subject']}**: {row['outcome']} at {asked}{why}")
    return found
