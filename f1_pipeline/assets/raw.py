"""Source assets: the release, the reference tables, and one per-race asset for each source table."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pandas as pd
from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, MaterializeResult, asset

from f1_pipeline.assets import checks
from f1_pipeline.assets.common import OWNERS, TableCheck, emit, per_race
from f1_pipeline.assets.resources import Database, Source
from f1_pipeline.partitions import sync_partitions
from f1_pipeline.sources.bundle import frame_hash
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.writes import Load, upsert_reference

_RACE_TABLES: dict[str, tuple[str, Sequence[TableCheck]]] = {
    "entries": ("Who is entered for the race, in which car.", [checks.REFERENCES, checks.FIELD_SIZE]),
    "race_results": (
        "The classification of the race.",
        [checks.POSITIONS, checks.POINTS, checks.REFERENCES],
    ),
    "qualifying_results": ("Qualifying, and sprint qualifying.", [checks.REFERENCES]),
    "sprint_results": ("The classification of the sprint.", [checks.POSITIONS, checks.REFERENCES]),
    "practice_results": ("Free practice and warm-up.", [checks.REFERENCES]),
    "starting_grid": ("The starting grid of the race and of the sprint.", [checks.REFERENCES]),
    "pit_stops": ("Pit stops of the race.", [checks.REFERENCES]),
    "driver_standings": (
        "Drivers' championship after the race.",
        [checks.REFERENCES, checks.STANDINGS["driver"]],
    ),
    "constructor_standings": (
        "Constructors' championship after the race.",
        [checks.REFERENCES, checks.STANDINGS["constructor"]],
    ),
}


@asset(
    key=["source", "release"],
    deps=[AssetKey(["source", "live"])],
    pool="f1db",
    group_name="source",
    kinds={"python"},
    owners=OWNERS,
    code_version="1",
    description="The newest state of the source: F1DB release (downloaded and checked) or simulated world.",
)
def source_release(source: Source) -> MaterializeResult[Any]:
    """Look for the newest state of the source."""
    snapshot = source.refresh()
    return MaterializeResult(
        metadata={
            "source": snapshot.source,
            "release": snapshot.release,
            "digest": snapshot.digest,
            "note": snapshot.note or "",
        }
    )


def _reference_asset(table: str) -> AssetsDefinition:
    @asset(
        key=["reference", table],
        deps=[AssetKey(["source", "release"])]
        + [AssetKey(["reference", parent]) for parent in _REFERENCE_PARENTS.get(table, ())],
        group_name="reference",
        kinds={"python", "table"},
        owners=OWNERS,
        code_version="1",
        description=f"All {table} of the source. Rows that the source no longer has are kept.",
        metadata={"dagster/table_name": table},
    )
    def reference(
        context: AssetExecutionContext, source: Source, database: Database
    ) -> MaterializeResult[Any]:
        bundle, engine = source.bundle(), database.engine()
        frame = bundle.tables[table]
        if table == "races":
            frame = with_cancelled(frame, reads.calendar(engine))
        changed = upsert_reference(
            engine,
            schema.metadata.tables[table],
            frame,
            source=bundle.source,
            release=bundle.release,
            content_hash=frame_hash(frame),
        )
        if table == "races":
            stored = reads.calendar(engine)
            sync_partitions(context.instance, stored.loc[~stored["is_cancelled"], "race_key"].tolist())
        return MaterializeResult(metadata={"dagster/row_count": len(frame), "changed": changed})

    return reference


_REFERENCE_PARENTS: dict[str, tuple[str, ...]] = {"races": ("seasons", "circuits")}


def with_cancelled(source: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    """The source's races plus stored races that it no longer has, marked cancelled unless they were run.

    Bahrain 2026 left the calendar and came back elsewhere: nothing is deleted, and a race that comes back
    is the same race.
    """
    gone = stored[~stored["race_key"].isin(source["race_key"]) & ~stored["finished"].astype("bool")]
    if gone.empty:
        return source
    kept = gone[list(source.columns)].assign(is_cancelled=True, round=None).astype(source.dtypes.to_dict())
    return pd.concat([source, kept], ignore_index=True)


def _race_asset(table: str, description: str, table_checks: Sequence[TableCheck]) -> AssetsDefinition:
    @asset(
        **per_race(
            ["raw", table],
            table,
            "raw",
            description,
            deps=[["reference", name] for name in ("races", "drivers", "constructors")],
            checks=table_checks,
        )
    )
    def raw(context: AssetExecutionContext, source: Source) -> Iterator[Any]:
        bundle = source.bundle()
        frame = bundle.tables[table]
        keys = set(context.partition_keys)
        frame = frame[frame["race_key"].isin(keys)]
        load = Load(bundle.source, bundle.release, bundle.race_hashes(table), bundle.origins_of(table))
        with_known = [checks.with_source(check, bundle.tables, keys) for check in table_checks]
        yield from emit(context, frame, with_known, load)

    return cast(AssetsDefinition, raw)


reference_assets = [_reference_asset(table) for table in schema.REFERENCE_TABLES]
race_assets = [_race_asset(table, *spec) for table, spec in _RACE_TABLES.items()]
