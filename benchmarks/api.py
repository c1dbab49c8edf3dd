"""Load on the API over loopback, beside the bare framework that answers a constant of the same size.

    .venv/bin/python benchmarks/api.py [--home .f1] [--seconds 2] [--rounds 5] [--clients 16]

Both are one uvicorn process with the same options, measured in turn, so that what else the machine does falls on both.
On a machine that is busy with other things look at the processor time of a request: it does not depend on them.
The limits of requests are on, and so high that nobody reaches them. Uses wrk where it is installed, otherwise threads of
this program, whose own cost is then in the figures.
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from fastapi import FastAPI, Response

ROOT = Path(__file__).resolve().parent.parent
HOT = (
    "/api/v1/predictions/next-race",
    "/api/v1/predictions/next-race?format=csv",
    "/api/v1/standings/drivers",
    "/api/v1/championship",
    "/api/v1/calendar/2026",
)
NEXT_RACE = HOT[0]
ENOUGH = 0.5


def bare() -> FastAPI:
    """FastAPI and nothing else: one route, one constant."""
    app = FastAPI(openapi_url=None)
    body = b"x" * int(os.environ["BARE_SIZE"])

    @app.get("/")
    async def constant() -> Response:
        return Response(body, media_type="application/json")

    return app


@contextmanager
def serving(app: str, probe: str, **environment: str) -> Iterator[tuple[str, psutil.Process]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = [f"--port={port}", "--log-level=warning"]
    flags += ["--no-proxy-headers", "--no-server-header", "--no-access-log"]
    here = str(Path(__file__).parent)
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "--factory", app, "--app-dir", here, *flags],
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                fetch(base + probe)
                break
            except OSError:
                assert process.poll() is None, f"{app} did not start"
                time.sleep(0.1)
        yield base, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def fetch(url: str) -> tuple[int, int]:
    """Status and size of one answer."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
    answer = connection.getresponse()
    size = len(answer.read())
    connection.close()
    return answer.status, size


def load(server: psutil.Process, url: str, seconds: int, clients: int) -> tuple[float, float, float]:
    """Requests a second, the 99th percentile in ms, and processor time of the server for one request in µs."""
    before = sum(server.cpu_times()[:2])
    rate, p99 = (_wrk if shutil.which("wrk") else _threads)(url, seconds, clients)
    return rate, p99, (sum(server.cpu_times()[:2]) - before) / (rate * seconds) * 1e6


def _wrk(url: str, seconds: int, clients: int) -> tuple[float, float]:
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in text, text
    rate, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    requests = re.search(r"Requests/sec:\s+([\d.]+)", text)
    assert requests, text
    return float(requests[1]), float(rate) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def _threads(url: str, seconds: int, clients: int) -> tuple[float, float]:
    parts = urlsplit(url)
    taken: list[float] = []
    end = time.monotonic() + seconds

    def work() -> None:
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        while (began := time.monotonic()) < end:
            connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            taken.append(time.monotonic() - began)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(taken) / seconds, statistics.quantiles(taken, n=100)[98] * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("F1_HOME", ROOT / ".f1")))
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=16)
    given = parser.parse_args()
    limits = {"F1_API_PER_MINUTE": "100000000", "F1_API_NEXT_RACE_PER_MINUTE": "100000000"}
    found: dict[str, dict[str, float]] = {}
    with serving(
        "f1_app.api.app:create_app", "/health/live", F1_HOME=str(given.home.resolve()), **limits
    ) as (
        api,
        server,
    ):
        for path in HOT:
            began = time.monotonic()
            status, size = fetch(api + path)
            first = (time.monotonic() - began) * 1000
            assert status == 200, f"{path}: {status}"
            ours, theirs = [], []
            with serving("api:bare", "/", BARE_SIZE=str(size)) as (constant, framework):
                for _ in range(given.rounds):
                    theirs.append(load(framework, constant, given.seconds, given.clients))
                    ours.append(load(server, api + path, given.seconds, given.clients))
            rate, p99, cpu = (statistics.median(column) for column in zip(*ours, strict=True))
            bare_rate, bare_p99, bare_cpu = (
                statistics.median(column) for column in zip(*theirs, strict=True)
            )
            found[path] = {
                "bytes": size,
                "first_ms": round(first, 1),
                "requests_per_second": round(rate),
                "p99_ms": round(p99, 1),
                "cpu_us": round(cpu),
                "bare_requests_per_second": round(bare_rate),
                "bare_p99_ms": round(bare_p99, 1),
                "bare_cpu_us": round(bare_cpu),
                "ratio": round(rate / bare_rate, 2),
                "cpu_ratio": round(bare_cpu / cpu, 2),
            }
            print(path, json.dumps(found[path]), flush=True)
    ratio = found[NEXT_RACE]["ratio"]
    print(
        f"cached next-race answer: {ratio} of the bare framework's requests a second (at least {ENOUGH}),"
        f" {found[NEXT_RACE]['cpu_ratio']} by processor time"
    )
    sys.exit(ratio < ENOUGH)


if __name__ == "__main__":
    main()
