"""Jolpica, the Ergast-compatible API: what F1DB has not published yet. Its data are for non-commercial use only."""

from f1_pipeline.sources.jolpica.canonical import Resolve, to_canonical, with_race_keys
from f1_pipeline.sources.jolpica.client import Answer, JolpicaClient
from f1_pipeline.sources.jolpica.complete import is_complete
from f1_pipeline.sources.jolpica.frames import (
    constructor_standings,
    driver_standings,
    qualifying_results,
    race_results,
    sprint_results,
)
from f1_pipeline.sources.jolpica.schedule import schedule, schedule_faults

__all__ = [
    "Answer",
    "JolpicaClient",
    "Resolve",
    "constructor_standings",
    "driver_standings",
    "is_complete",
    "qualifying_results",
    "race_results",
    "schedule",
    "schedule_faults",
    "sprint_results",
    "to_canonical",
    "with_race_keys",
]
