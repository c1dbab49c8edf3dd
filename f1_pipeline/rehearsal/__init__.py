"""A race weekend played again with the product itself; see ``play``."""

from f1_pipeline.rehearsal.performance import Performance, Scene, Tick
from f1_pipeline.rehearsal.play import SETTINGS, Daemon, archives_in, rehearse

__all__ = ["SETTINGS", "Daemon", "Performance", "Scene", "Tick", "archives_in", "rehearse"]
