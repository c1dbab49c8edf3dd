"""The ``f1`` command."""

from f1_pipeline.cli.app import app, main

__all__ = ["app", "main"]
