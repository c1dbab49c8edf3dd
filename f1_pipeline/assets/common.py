"""What all per-race assets share: their definition, their metadata and how their checks are reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from dagster import (
    AssetCheckEvaluation,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetOut,
    BackfillPolicy,
    MetadataValue,
    Output,
)

from f1_pipeline.assets.resources import SCOPE, TABLE, RaceRows
from f1_pipeline.dagster_store.checks import log_check_evaluations
from f1_pipeline.errors import ContractViolation
from f1_pipeline.partitions import races_partitions
from f1_pipeline.storage.writes import Load

OWNERS = ["team:f1-forecast"]
_COUNTED = 24
"""Races of a run up to which each partition states its own row count: a season."""
_FAULTS_LOGGED = 50
Faults = list[tuple[str, str]]
"""(race key, what is wrong) of each fault."""


@dataclass(frozen=True)
class TableCheck:
    """A law of a table, as a pure function of its rows. A blocking one keeps the rows from being written."""

    name: str
    description: str
    faults: Callable[[pd.DataFrame], Faults]
    blocking: bool = True


def per_race(
    key: Sequence[str],
    table: str,
    group: str,
    description: str,
    *,
    deps: Sequence[Sequence[str]] = (),
    checks: Sequence[TableCheck] = (),
    scope: dict[str, object] | None = None,
    kinds: set[str] | None = None,
    code_version: str = "1",
) -> dict[str, Any]:
    """Arguments of ``@asset`` for an asset with a partition per race whose history is one run."""
    return {
        "key": AssetKey(list(key)),
        "partitions_def": races_partitions,
        "backfill_policy": BackfillPolicy.single_run(),
        "deps": [AssetKey(list(dep)) for dep in deps],
        "group_name": group,
        "description": description,
        "kinds": kinds or {"python", "table"},
        "owners": OWNERS,
        "code_version": code_version,
        "io_manager_key": "race_tables",
        "metadata": {TABLE: table, SCOPE: scope or {}, "dagster/table_name": table},
        "check_specs": check_specs(key, checks),
    }


Outputs = Mapping[str, tuple[Sequence[str], str, str, Sequence[TableCheck]]]
"""Of a computation that makes several tables: asset key, table, description and checks of each output."""


def several_per_race(
    name: str,
    outputs: Outputs,
    group: str,
    *,
    deps: Sequence[Sequence[str]],
    scope: dict[str, object] | None = None,
) -> dict[str, Any]:
    """Arguments of ``@multi_asset`` for a computation per race that makes several tables; its history is one run."""
    return {
        "name": name,
        "outs": {
            output: AssetOut(
                key=AssetKey(list(key)),
                description=description,
                io_manager_key="race_tables",
                metadata={TABLE: table, SCOPE: scope or {}, "dagster/table_name": table},
                group_name=group,
                kinds={"python", "table"},
                owners=OWNERS,
                code_version="1",
            )
            for output, (key, table, description, _) in outputs.items()
        },
        "deps": [AssetKey(list(dep)) for dep in deps],
        "check_specs": [spec for key, _, _, checks in outputs.values() for spec in check_specs(key, checks)],
        "partitions_def": races_partitions,
        "backfill_policy": BackfillPolicy.single_run(),
    }


def check_specs(key: Sequence[str], checks: Sequence[TableCheck]) -> list[AssetCheckSpec]:
    """The checks of an asset as Dagster lists them."""
    return [
        AssetCheckSpec(
            check.name, asset=AssetKey(list(key)), description=check.description, blocking=check.blocking
        )
        for check in checks
    ]


def emit(
    context: AssetExecutionContext,
    frame: pd.DataFrame,
    checks: Sequence[TableCheck] = (),
    load: Load | None = None,
    output: tuple[str, AssetKey] | None = None,
    marks: Mapping[str, str] | None = None,
) -> Iterator[Output[RaceRows] | AssetCheckResult]:
    """Check the rows, hand them to the IO manager, report counts, a preview and the state of the checks.

    ``output``: name and asset of the output, where one computation makes several. ``marks``: see ``RaceRows``.

    Raises:
        ContractViolation: a blocking check found a fault; nothing was written.
    """
    name, asset_key = output or ("result", context.asset_key)
    found = {check.name: check.faults(frame) for check in checks}
    # In a run over a range the state of a partition's check is only what is logged for that partition.
    log_check_evaluations(
        context,
        [
            _evaluation(context, asset_key, check, race, text)
            for check in checks
            for race, text in found[check.name][:_FAULTS_LOGGED]
        ],
    )
    broken = [(check, found[check.name]) for check in checks if check.blocking and found[check.name]]
    if broken:
        check, faults = broken[0]
        race, text = faults[0]
        raise ContractViolation(
            f"{asset_key.to_user_string()}: check {check.name}, race {race}: {text} ({len(faults)} faults)"
        )
    counts = frame["race_key"].value_counts()
    # One event each, 13 ms: two minutes for the history of nine tables.
    for key in context.partition_keys if len(context.partition_keys) <= _COUNTED else ():
        context.add_asset_metadata(
            {"dagster/partition_row_count": int(counts.get(key, 0))}, asset_key, partition_key=key
        )
    yield Output(
        RaceRows(frame, load, marks),
        output_name=name,
        metadata={"rows": len(frame), "preview": MetadataValue.md(_markdown(frame))},
    )
    for check in checks:
        yield AssetCheckResult(
            check_name=check.name,
            asset_key=asset_key,
            passed=not found[check.name],
            severity=AssetCheckSeverity.ERROR if check.blocking else AssetCheckSeverity.WARN,
            metadata={
                "faults": len(found[check.name]),
                "rows": len(frame),
                "first": next((f"{race}: {text}" for race, text in found[check.name]), ""),
            },
        )


def _evaluation(
    context: AssetExecutionContext, asset_key: AssetKey, check: TableCheck, race: str, text: str
) -> AssetCheckEvaluation:
    return AssetCheckEvaluation(
        asset_key=asset_key,
        check_name=check.name,
        passed=False,
        blocking=check.blocking,
        severity=AssetCheckSeverity.ERROR if check.blocking else AssetCheckSeverity.WARN,
        description=text,
        partition=race if race in context.partition_keys else None,
    )


def _markdown(frame: pd.DataFrame, rows: int = 5) -> str:
    """The last rows as a small markdown table; columns that are empty in them are left out."""
    tail = frame.tail(rows).dropna(axis=1, how="all")
    if tail.empty:
        return "*no rows*"
    lines = ["| " + " | ".join(map(str, tail.columns)) + " |", "|" + " --- |" * len(tail.columns)]
    for row in tail.itertuples(index=False):
        lines.append("| " + " | ".join(_cell(value) for value in row) + " |")
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("|", "/")
