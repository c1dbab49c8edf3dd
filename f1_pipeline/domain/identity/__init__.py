"""Which driver, constructor, circuit and race of F1DB is meant by the ids of the Ergast format.

Two sources name the same people in different words (``max-verstappen``, ``max_verstappen``), and one of them has given
a driver two ids before. The answer is reviewed data beside this file, never a guess at run time: an id that is not in
it is an error, not a new driver.
"""

from f1_pipeline.domain.identity.crosswalk import Crosswalk, crosswalk
from f1_pipeline.domain.identity.names import same_person
from f1_pipeline.domain.identity.tables import ConstructorRow, DriverRow, RaceNameRow, Tables, read_tables

__all__ = [
    "ConstructorRow",
    "Crosswalk",
    "DriverRow",
    "RaceNameRow",
    "Tables",
    "crosswalk",
    "read_tables",
    "same_person",
]
