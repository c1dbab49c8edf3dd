"""Review the crosswalk of identities: what an archive and answers in the Ergast format hold that no row covers.

    .venv/bin/python scripts/crosswalk.py --archive f1db-csv.zip --answers answers/

Prints rows to be added to ``f1_pipeline/domain/identity/drivers.csv`` (a driver whose names and date of birth agree
with exactly one of F1DB's), assumed rows that an answer now bears out, everything in the answers that stays unmatched,
and what raced in F1DB since ``--since`` without a row. Writes nothing: whoever reviews adds the rows. Ends with status 1
if an answer holds something without a row.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from f1_pipeline.domain.identity import Crosswalk, crosswalk, same_person
from f1_pipeline.errors import UnknownIdentity
from f1_pipeline.sources.f1db import parse_archive


@dataclass
class Named:
    """What the answers name: people by id, constructors and races by season, circuits."""

    drivers: dict[str, dict[str, str]] = field(default_factory=dict)
    constructors: set[tuple[str, int]] = field(default_factory=set)
    circuits: set[str] = field(default_factory=set)
    races: set[tuple[int, str]] = field(default_factory=set)


def collect(answer: Any, named: Named, season: int | None = None) -> None:
    """Add everything that an answer names; the season is the nearest one around it."""
    if isinstance(answer, list):
        for part in answer:
            collect(part, named, season)
    elif isinstance(answer, dict):
        if str(answer.get("season", "")).isdigit():
            season = int(answer["season"])
        if "driverId" in answer and "familyName" in answer:
            named.drivers[answer["driverId"]] = answer
        if "constructorId" in answer and "name" in answer and season is not None:
            named.constructors.add((answer["constructorId"], season))
        if "circuitId" in answer and "circuitName" in answer:
            named.circuits.add(answer["circuitId"])
        if "raceName" in answer and season is not None:
            named.races.add((season, answer["raceName"]))
        for part in answer.values():
            collect(part, named, season)


def proposals(named: Named, drivers: pd.DataFrame, known: Crosswalk) -> Iterator[list[str]]:
    """Rows for ``drivers.csv``: new ones, and assumed ones that names and date of birth now bear out."""
    rows = {row.ergast_id: row for row in known.tables.drivers}
    for ergast_id, said in sorted(named.drivers.items()):
        if ergast_id in rows and rows[ergast_id].decided != "assumed":
            continue
        born = pd.to_datetime(said.get("dateOfBirth"), errors="coerce")
        same_day = drivers[drivers["date_of_birth"] == born]
        found = [
            row
            for row in same_day.itertuples()
            if same_person(said["givenName"], said["familyName"], row.first_name, row.last_name)
        ]
        if len(found) == 1:
            (row,) = found
            yield [row.driver_id, ergast_id, row.first_name, row.last_name, f"{born:%Y-%m-%d}", "answer"]


def unmatched(named: Named, known: Crosswalk) -> Iterator[str]:
    """What the answers name and the crosswalk refuses, as the error says it."""
    asked = [
        *(
            (
                known.check_driver,
                (said["driverId"], said["givenName"], said["familyName"], said.get("dateOfBirth")),
            )
            for said in named.drivers.values()
        ),
        *((known.constructor, pair) for pair in named.constructors),
        *((known.circuit, (name,)) for name in named.circuits),
        *((known.race_key, pair) for pair in named.races),
    ]
    for look_up, arguments in asked:
        try:
            look_up(*arguments)
        except UnknownIdentity as error:
            yield str(error)


def uncovered(tables: dict[str, pd.DataFrame], since: int, known: Crosswalk) -> dict[str, list[str]]:
    """What is entered or on the calendar since a season, and has no name in the source: by kind."""
    races = tables["races"][tables["races"]["season"] >= since]
    season = races.set_index("race_key")["season"]
    entries = tables["entries"][tables["entries"]["race_key"].isin(season.index)]
    teams = {(str(row.constructor_id), int(season[row.race_key])) for row in entries.itertuples()}
    asked = {
        "drivers": [(known.driver_ref, (name,)) for name in sorted(set(entries["driver_id"]))],
        "constructors": [(known.constructor_ref, pair) for pair in sorted(teams)],
        "circuits": [(known.circuit_ref, (name,)) for name in sorted(set(races["circuit_id"].dropna()))],
        "races": [(known.race_name, (key,)) for key in races["race_key"]],
    }
    missing: dict[str, list[str]] = {kind: [] for kind in asked}
    for kind, look_ups in asked.items():
        for look_up, arguments in look_ups:
            try:
                look_up(*arguments)
            except UnknownIdentity:
                missing[kind].append(" ".join(map(str, arguments)))
    return missing


def read_answers(folder: Path) -> Named:
    """Everything that the JSON answers of a folder name; other files are left out."""
    named = Named()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                collect(json.loads(path.read_text(encoding="utf-8")), named)
            except (ValueError, UnicodeDecodeError):
                continue
    return named


def main() -> int:
    """Print the review; 0 if every name of the answers has a row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--archive", type=Path, required=True, help="an F1DB CSV archive")
    parser.add_argument("--answers", type=Path, help="a folder of answers in the Ergast format")
    parser.add_argument("--since", type=int, default=2000, help="first season that has to be covered")
    options = parser.parse_args()
    known = crosswalk()
    tables = parse_archive(options.archive, "local", "").tables
    refused: list[str] = []
    if options.answers is not None:
        named = read_answers(options.answers)
        print("# rows to review, for drivers.csv")
        csv.writer(sys.stdout, lineterminator="\n").writerows(proposals(named, tables["drivers"], known))
        refused = sorted(unmatched(named, known))
        print(f"# unmatched in the answers: {len(refused)}", *refused, sep="\n")
    for kind, names in uncovered(tables, options.since, known).items():
        print(f"# {kind} of F1DB since {options.since} without a row: {len(names)}", *names, sep="\n")
    return 1 if refused else 0


if __name__ == "__main__":
    raise SystemExit(main())
