"""Questions to a server from outside: does it answer, and is its port free?"""

from __future__ import annotations

import errno
import socket

import psutil
import requests

PROBE_SECONDS = 1.0
"""Time limit of one look at a server; the loop of the supervisor waits that long at most for each."""


def is_ready(url: str) -> bool:
    """Whether ``http(s)://…`` answers with a status below 400, or ``unix:/path`` accepts a connection.

    Never raises for a server that is not there: that is the usual answer while it starts.
    """
    if url.startswith("unix:"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(PROBE_SECONDS)
            return probe.connect_ex(url.removeprefix("unix:")) == 0
    session = requests.Session()
    session.trust_env = False  # a proxy of the environment would be asked for 127.0.0.1
    try:
        with session:
            return session.get(url, timeout=PROBE_SECONDS).status_code < 400
    except requests.RequestException:
        return False


def port_holder(host: str, port: int) -> str | None:
    """None when the port is free; otherwise who has it, as far as this user may know (or "")."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the servers do: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EACCES:
                return " or needs more rights"
            if error.errno != errno.EADDRINUSE:
                return f" or cannot be bound at {host} ({error.strerror})"
            return _name_of_holder(port)
    return None


def _name_of_holder(port: int) -> str:
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if not (connection.laddr and connection.pid and connection.status == psutil.CONN_LISTEN):
                continue
            if connection.laddr.port == port:
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        pass
    return ""
