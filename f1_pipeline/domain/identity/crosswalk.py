"""Look-ups in the crosswalk, both ways. Whatever is not in it raises, with kind, id and source in the message.

The incident behind the strictness: one driver came under two ids, and a driver came back with another car number.
A look-up that makes a new driver of what it does not know splits a career in two, and every rating with it.
"""

from __future__ import annotations

from datetime import date
from functools import cache

from f1_pipeline.domain.identity.names import same_person, words
from f1_pipeline.domain.identity.tables import DriverRow, Tables, ambiguities, read_tables
from f1_pipeline.errors import ContractViolation, UnknownIdentity


@cache
def crosswalk() -> Crosswalk:
    """The crosswalk of the reviewed rows of the package, made once."""
    return Crosswalk(read_tables())


class Crosswalk:
    """One identity for what two sources name. ``source`` is whose ids these are, for messages.

    All look-ups raise UnknownIdentity (permanent) for what is not in the rows.

    Raises:
        ContractViolation: rows give one id of the source two meanings at a time.
    """

    def __init__(self, tables: Tables, source: str = "jolpica"):
        if faults := ambiguities(tables):
            raise ContractViolation(f"crosswalk: {faults[0]}")
        self.tables = tables
        self.source = source
        self._drivers = {row.ergast_id: row for row in tables.drivers}
        self._driver_refs = {row.f1db_id: row for row in reversed(tables.drivers)}
        self._circuits = {row.ergast_id: row.f1db_id for row in tables.circuits}
        self._circuit_refs = {row.f1db_id: row.ergast_id for row in reversed(tables.circuits)}

    def driver(self, ergast_id: str) -> str:
        """F1DB's id of a driver. An ``assumed`` row is refused here: it needs the names, see ``check_driver``."""
        row = self._driver_row(ergast_id)
        if row.decided == "assumed":
            raise self._unknown(
                "driver",
                ergast_id,
                f"the row for {row.f1db_id} is assumed and stands only with the names of the answer",
            )
        return row.f1db_id

    def check_driver(
        self,
        ergast_id: str,
        given_name: str | None = None,
        family_name: str | None = None,
        date_of_birth: date | str | None = None,
    ) -> str:
        """F1DB's id of a driver, after comparing what else the answer says of him with the row.

        A date (or ISO text) that differs is a contradiction, and so is another family name or a given name that is
        not part of the other one. Numbers and three-letter codes are not compared: they change.

        Raises:
            UnknownIdentity: the id is not in the rows, the answer speaks of somebody else, or the row is ``assumed``
                and the answer does not carry both names.
        """
        row = self._driver_row(ergast_id)
        if given_name is None or family_name is None:
            if row.decided == "assumed":
                return self.driver(ergast_id)
            one_name = family_name is not None and words(family_name) != words(row.family_name)
            if one_name or (given_name is not None and not self._given(row, given_name)):
                raise self._contradiction(row, f"{given_name or ''} {family_name or ''}".strip())
        elif not same_person(given_name, family_name, row.given_name, row.family_name):
            raise self._contradiction(row, f"{given_name} {family_name}")
        if date_of_birth is not None and str(date_of_birth) != row.date_of_birth.isoformat():
            raise self._contradiction(row, f"born {date_of_birth}")
        return row.f1db_id

    def driver_ref(self, f1db_id: str) -> str:
        """The source's id of a driver of F1DB."""
        row = self._driver_refs.get(f1db_id)
        if row is None:
            raise self._unknown("driver", f1db_id, "no row has this F1DB id")
        return row.ergast_id

    def constructor(self, ergast_id: str, season: int) -> str:
        """F1DB's id of a constructor in a season: one id of the source means several constructors over the years."""
        for row in self.tables.constructors:
            if row.ergast_id == ergast_id and season in row.seasons:
                return row.f1db_id
        raise self._unknown("constructor", ergast_id, f"no row for the season {season}")

    def constructor_ref(self, f1db_id: str, season: int) -> str:
        """The source's id of a constructor of F1DB in a season."""
        for row in self.tables.constructors:
            if row.f1db_id == f1db_id and season in row.seasons:
                return row.ergast_id
        raise self._unknown("constructor", f1db_id, f"no row has this F1DB id in the season {season}")

    def circuit(self, ergast_id: str) -> str:
        """F1DB's id of a circuit."""
        found = self._circuits.get(ergast_id)
        if found is None:
            raise self._unknown("circuit", ergast_id, "no row has this id")
        return found

    def circuit_ref(self, f1db_id: str) -> str:
        """The source's id of a circuit of F1DB."""
        found = self._circuit_refs.get(f1db_id)
        if found is None:
            raise self._unknown("circuit", f1db_id, "no row has this F1DB id")
        return found

    def race_key(self, season: int, race_name: str) -> str:
        """The key of a race, ``2026-bahrain``, from the season and the name the source gives it.

        The round says nothing: cancelled rounds are hidden and the rest renumbered. Nor does the circuit: it held two
        races in 2020 (Bahrain and Sakhir, Austria and Styria), and Bahrain 2026 was run at Sepang.
        """
        wanted = words(race_name)
        for row in self.tables.grands_prix:
            if season in row.seasons and words(row.race_name) == wanted:
                return f"{season}-{row.f1db_id}"
        raise self._unknown("race", race_name, f"no Grand Prix has this name in {season}")

    def race_name(self, race_key: str) -> str:
        """The name that the source gives to a race."""
        season, _, grand_prix = race_key.partition("-")
        if season.isdigit():
            for row in self.tables.grands_prix:
                if row.f1db_id == grand_prix and int(season) in row.seasons:
                    return row.race_name
        raise self._unknown("race", race_key, "no row has this Grand Prix in this season")

    def _driver_row(self, ergast_id: str) -> DriverRow:
        row = self._drivers.get(ergast_id)
        if row is None:
            raise self._unknown("driver", ergast_id, "no row has this id")
        return row

    @staticmethod
    def _given(row: DriverRow, given_name: str) -> bool:
        return same_person(given_name, row.family_name, row.given_name, row.family_name)

    def _contradiction(self, row: DriverRow, said: str) -> UnknownIdentity:
        known = f"{row.given_name} {row.family_name}, born {row.date_of_birth.isoformat()}"
        return self._unknown(
            "driver", row.ergast_id, f"the answer says {said}, the crosswalk {known} ({row.f1db_id})"
        )

    def _unknown(self, kind: str, name: str, why: str) -> UnknownIdentity:
        return UnknownIdentity(
            f"{self.source}: {kind} {name!r}: {why}; scripts/crosswalk.py proposes rows for review"
        )
