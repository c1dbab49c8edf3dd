"""What the tests of the Ergast format share: kinds of their fixtures."""

from __future__ import annotations

from collections.abc import Callable

from f1_pipeline.sources.jolpica import JolpicaClient

Make = Callable[..., JolpicaClient]
