"""Start servers, say when they are ready, restart what dies, and leave nothing behind.

One thread and a loop that looks at every server five times a second: there is no race between a server that
dies and a Ctrl-C that arrives. Every server leads a session of its own, so that the Ctrl-C of a terminal
reaches only the supervisor, and ending a server means ending all that it has started.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from f1_pipeline.errors import PermanentError
from f1_pipeline.serve.children import Child, end_all, open_log, tail
from f1_pipeline.serve.probes import is_ready, port_holder

POLL_SECONDS = 0.2
SURVEY_SECONDS = 5.0
"""How often to note what the servers have started, so that it can be ended when a server itself is dead."""

STEADY_SECONDS = 60.0
"""A server that was up for this long has started well: the count of its restarts begins anew."""


class PortInUse(PermanentError):
    """A port that a server needs is taken; the message names the port and its setting."""


@dataclass(frozen=True)
class Service:
    """One server: how to start it, where it is, and how to tell that it is ready.

    ``ready_url`` is ``http://…`` (any answer below 400 counts), ``unix:/path`` (a connection is accepted), or
    None: ready as soon as it runs. ``url`` is what people open; None for servers that only serve others.
    ``port_setting`` names the environment variable that the user changes when ``port`` is taken.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    url: str | None = None
    ready_url: str | None = None
    ready_timeout: float = 60.0
    cwd: Path | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    port_setting: str | None = None
    after: Sequence[str] = ()
    """Names of services that must be ready before this one is started the first time."""


@dataclass
class _State:
    service: Service
    child: Child | None = None
    started: float = 0.0
    ready: bool = False
    was_ready: bool = False
    late: bool = False
    failures: int = 0
    start_at: float = 0.0
    survey_at: float = 0.0
    gave_up: bool = False


@dataclass
class Supervisor:
    """Runs services until SIGINT, SIGTERM or SIGHUP, or until none of them can be kept alive."""

    services: Sequence[Service]
    logs_dir: Path
    say: Callable[[str], None] = field(default=lambda text: print(text, flush=True))
    backoff: Sequence[float] = (1.0, 2.0, 4.0, 8.0, 16.0)
    """Waits before each restart, in seconds; after the last one the service is given up."""
    grace: float = 10.0
    """Seconds between SIGINT and SIGKILL at the end; SIGTERM comes halfway."""

    def run(self) -> int:
        """Run until told to stop: 0 after a clean stop, 1 when every service had to be given up.

        Raises:
            PortInUse: a port is taken, or two services ask for the same one; nothing was started.
            ValueError: two services have the same name, or one waits for a name that is not there.
        """
        self.check()
        self._stop = False
        self._states = [_State(service) for service in self.services]
        previous = self._install_handlers()
        began = time.monotonic()
        announced = False
        try:
            while not self._stop:
                for state in self._states:
                    self._step(state)
                if all(state.gave_up for state in self._states):
                    self.say("No server is left; ending.")
                    return 1
                if not announced and all(state.ready for state in self._states):
                    announced = True
                    self.say(f"All ready after {time.monotonic() - began:.0f} s. Press Ctrl-C to stop.")
                time.sleep(POLL_SECONDS)
            self.say("Stopping …")
            return 0
        finally:
            # A second Ctrl-C must not interrupt the cleaning up; the grace bounds how long it takes.
            end_all([state.child for state in self._states if state.child is not None], self.grace)
            for number, handler in previous.items():
                signal.signal(number, handler)
            self.say("Stopped.")

    def check(self) -> None:
        """Refuse what cannot work before anything is started; ``run`` does it too.

        Raises:
            PortInUse: a port is taken, or two services ask for the same one.
            ValueError: two services have the same name, or one waits for a name that is not there.
        """
        names = [service.name for service in self.services]
        if len(set(names)) < len(names):
            raise ValueError(f"two services have the same name: {names}")
        taken: dict[int, Service] = {}
        for service in self.services:
            if unknown := set(service.after) - set(names):
                raise ValueError(f"{service.name} waits for unknown services: {sorted(unknown)}")
            if service.port is None:
                continue
            hint = f"; set {service.port_setting} to another one" if service.port_setting else ""
            if (other := taken.get(service.port)) is not None:
                raise PortInUse(f"{other.name} and {service.name} both want port {service.port}{hint}.")
            if (holder := port_holder(service.host, service.port)) is not None:
                raise PortInUse(f"Port {service.port}, which {service.name} needs, is in use{holder}{hint}.")
            taken[service.port] = service

    def _install_handlers(self) -> dict[int, Callable[[int, FrameType | None], object] | int | None]:
        """Stop on signals.

        It is also what gives the children their SIGINT back: a shell starts background jobs with SIGINT
        ignored, children inherit that, and `dagster` then ended neither on SIGINT nor within 20 s of SIGTERM.
        A signal that has a handler at the moment of exec is set to its default; one that is ignored is not.
        """

        def stop(_number: int, _frame: FrameType | None) -> None:
            self._stop = True

        previous = {}
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # started with nohup
            previous[int(number)] = signal.signal(number, stop)
        return previous

    def _step(self, state: _State) -> None:
        now = time.monotonic()
        if state.gave_up:
            return
        if state.child is None:
            if now >= state.start_at and self._may_start(state):
                self._start(state)
            return
        code = state.child.poll()
        if code is not None:
            self._died(state, code)
            return
        if now >= state.survey_at:
            state.child.survey()
            state.survey_at = now + SURVEY_SECONDS
        if not state.ready:
            self._look(state, now)
        elif state.failures and now - state.started > STEADY_SECONDS:
            state.failures = 0

    def _may_start(self, state: _State) -> bool:
        # A service that was given up must not hold up those that wait for it: they say themselves what they miss.
        by_name = {other.service.name: other for other in self._states}
        return all(by_name[name].was_ready or by_name[name].gave_up for name in state.service.after)

    def _start(self, state: _State) -> None:
        service = state.service
        log = open_log(self.logs_dir, service.name)
        state.started, state.ready, state.late = time.monotonic(), False, False
        with log:
            try:
                process = subprocess.Popen(
                    list(service.argv),
                    env=dict(service.env),
                    cwd=service.cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                self.say(f"{service.name} cannot be started: {error}")
                state.gave_up = True
                return
        state.child = Child(service.name, process)

    def _look(self, state: _State, now: float) -> None:
        service = state.service
        if service.ready_url is None or is_ready(service.ready_url):
            state.ready = state.was_ready = True
            if state.child is not None:
                state.child.survey()  # a server that dies right after it was ready leaves nobody behind either
            where = f" at {service.url}" if service.url else ""
            self.say(f"{service.name} is ready{where} ({now - state.started:.0f} s)")
        elif not state.late and now - state.started > service.ready_timeout:
            state.late = True
            self.say(
                f"{service.name} is not ready after {service.ready_timeout:.0f} s; still waiting. "
                f"Its log: {self._log(service)}"
            )

    def _died(self, state: _State, code: int) -> None:
        service = state.service
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        if state.child is not None:
            end_all([state.child], 2.0)  # what it started itself may still hold its port
        state.child, state.ready = None, False
        self.say(f"{service.name} ended unexpectedly ({how}). The last lines of {self._log(service)}:")
        for line in tail(self._log(service)):
            self.say(f"    {line}")
        if state.failures >= len(self.backoff):
            state.gave_up = True
            self.say(f"{service.name} is given up after {state.failures} restarts; the others go on.")
            return
        wait = self.backoff[state.failures]
        state.failures += 1
        state.start_at = time.monotonic() + wait
        self.say(f"{service.name} is started again in {wait:g} s; the others go on.")

    def _log(self, service: Service) -> Path:
        return self.logs_dir / f"{service.name}.log"
