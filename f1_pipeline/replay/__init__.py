"""A race weekend once more, from recorded data: both sources as servers on the loopback interface, at any virtual moment.

The servers answer what the real ones would have known then, with the faults that really happened (see ``faults``).
Nothing here knows Dagster, tables or models: a test sets the clock, and the product does what it does.
"""

from f1_pipeline.replay.clock import Clock
from f1_pipeline.replay.f1db_server import F1dbServer, Release
from f1_pipeline.replay.faults import Fault
from f1_pipeline.replay.jolpica_server import JolpicaServer
from f1_pipeline.replay.stage import Stage, staged
from f1_pipeline.replay.timeline import Archives, Moment, Timeline, hungary_2026

__all__ = [
    "Archives",
    "Clock",
    "F1dbServer",
    "Fault",
    "JolpicaServer",
    "Moment",
    "Release",
    "Stage",
    "Timeline",
    "hungary_2026",
    "staged",
]
