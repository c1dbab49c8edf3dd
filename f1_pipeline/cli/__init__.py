"""The ``f1`` command."""

from f1_pipeline.cli.app import app
from f1_pipeline.cli.entry import main

__all__ = ["app", "main"]
