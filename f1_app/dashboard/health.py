"""What runs and what does not: the daemon by its signs of life, servers by asking them. No page is drawn here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit, urlunsplit

import requests

from f1_app.dashboard import style
from f1_app.records import Beat

DAEMON = "dagster-daemon"
"""Name of the daemon in the table of signs of life."""

MISSED = 5
"""Signs of life that may be missing in a row: a tick waits while an update writes, a laptop sleeps for a moment."""

PROBE_SECONDS = 1.0
"""Time limit of one look at a server; all are looked at together."""


class State(StrEnum):
    """What is known about something that should run."""

    UP = "up"
    DOWN = "down"
    OFF = "off"
    """Nobody expects it to run here."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that runs or does not, and what there is to say about it."""

    name: str
    state: State
    about: str


def daemon(beat: Beat | None, now: dt.datetime) -> Part:
    """Whether the Dagster daemon is alive; ``now`` on the clock of the system."""
    name = "Dagster daemon"
    if beat is None:
        return Part(
            name, State.OFF, "has never run on these tables: they are as new as the last `f1 update` by hand"
        )
    age = now - beat.at
    if age > MISSED * beat.every:
        return Part(
            name,
            State.DOWN,
            f"gave its last sign of life {ago(age)} ago ({style.utc_minute(beat.at)}, on {beat.host})",
        )
    if age < -beat.every:
        return Part(
            name,
            State.DOWN,
            f"gave a sign of life {ago(-age)} from now (on {beat.host}): one of the two clocks is wrong",
        )
    return Part(name, State.UP, f"gave a sign of life {ago(max(age, dt.timedelta()))} ago, on {beat.host}")


def ago(age: dt.timedelta) -> str:
    """A time span in its largest unit, rounded down."""
    seconds = int(age.total_seconds())
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return style.plural(seconds // size, unit)
    return style.plural(seconds, "second")


def addresses(
    given: str | None,
    *,
    host: str,
    dagster_port: int,
    api_port: int,
    mlflow_port: int,
    mlflow_uri: str | None,
) -> dict[str, str]:
    """Whom to ask, by name: as ``F1_SERVERS`` lists them, or without it those that `f1 serve` starts on this machine."""
    if given is not None:
        pairs = (part.partition("=") for part in given.split(",") if part.strip())
        return {name.strip(): address.strip() for name, _, address in pairs}
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    base = f"http://{f'[{name}]' if ':' in name else name}"
    remote = mlflow_uri is not None and mlflow_uri.startswith(("http:", "https:"))
    return {
        "Dagster UI": f"{base}:{dagster_port}/server_info",
        "API": f"{base}:{api_port}/health/live",
        "MLflow": f"{str(mlflow_uri).rstrip('/') if remote else f'{base}:{mlflow_port}'}/health",
    }


def look(found: Mapping[str, str]) -> list[Part]:
    """Ask all servers at the same time; any answer below 400 counts. Never raises for one that is not there."""
    if not found:
        return []
    with ThreadPoolExecutor(len(found)) as pool:
        return list(pool.map(_probe, found, found.values()))


def _probe(name: str, address: str) -> Part:
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the environment would be asked for 127.0.0.1
        try:
            status = session.get(address, timeout=PROBE_SECONDS, allow_redirects=False).status_code
        except requests.RequestException:
            return Part(name, State.DOWN, f"does not answer at {shown(address)}")
    if status >= requests.codes.bad_request:
        return Part(name, State.DOWN, f"answers with HTTP {status} at {shown(address)}")
    return Part(name, State.UP, "answers")


def shown(address: str) -> str:
    """An address without its password, and without what is behind the host: where it is, and no more."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
