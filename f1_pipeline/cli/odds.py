"""``f1 odds``: market prices that a user has, to be scored beside the models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from f1_pipeline.cli import reports
from f1_pipeline.cli.output import TableOrJson, console, notices, print_json, print_table, records
from f1_pipeline.errors import NotReady
from f1_pipeline.settings import get_settings
from f1_pipeline.storage import market, reads, schema

odds = typer.Typer(help="Market prices: take in, list, remove.", no_args_is_help=True)


@odds.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(help="CSV with the columns race, driver, decimal odds, time and source.")
    ],
) -> None:
    """Take in prices from a CSV file: all of them or, if one is wrong, none."""
    from f1_pipeline.forecasting.market import COMPLETE_BOOK, is_complete, newest_book
    from f1_pipeline.sources.odds import Names, read_odds

    engine = reports.open_tables(get_settings())
    names = Names(
        reads.read_table(engine, schema.races, columns=["race_key", "season"]),
        reads.read_table(engine, schema.drivers, columns=["driver_id", "code", "name"]),
        reads.read_table(engine, schema.entries, columns=["race_key", "driver_id"]),
    )
    prices = read_odds(file, names)
    done = market.add_prices(engine, prices)
    console.print(
        f"{done.new} prices taken in, {done.corrected} corrected, {done.unchanged} were there already."
    )
    stored = reads.read_table(engine, schema.market_odds, list(done.races)) if done.races else prices.head(0)
    for (race, source), rows in stored.groupby(["race_key", "source"]):
        book = newest_book(rows)
        if not is_complete(book):
            notices.print(
                f"{race}, {source}: {len(book)} drivers whose inverse odds sum to {(1 / book).sum():.2f}. That is "
                f"not a whole field ({COMPLETE_BOOK:g} or more), so it is not scored.",
                soft_wrap=True,
                markup=False,
            )
    if done.races:
        console.print(
            "The market is scored by the next `f1 update`, where a race has a forecast and a result."
        )


@odds.command("list")
def list_prices(
    output: Annotated[TableOrJson, typer.Option("--format", help="How to print.")] = TableOrJson.table,
) -> None:
    """Show what prices there are, by race and source."""
    rows = market.priced_races(reports.open_tables(get_settings()))
    if output is TableOrJson.json:
        print_json(records(rows))
        return
    if rows.empty:
        console.print("There are no market prices: `f1 odds import FILE` takes them in.")
        return
    minutes = {name: rows[name].dt.strftime("%Y-%m-%d %H:%M") for name in ("first", "last")}
    print_table(pd.DataFrame(rows.assign(**minutes)), "Market prices; times are UTC")


@odds.command("remove")
def remove(
    source: Annotated[str, typer.Option(help="Whose prices to remove, as `f1 odds list` names it.")],
) -> None:
    """Remove all prices of a source, and what was scored with them."""
    gone = market.remove_source(reports.open_tables(get_settings()), source)
    if not gone:
        raise NotReady(f"no prices of {source!r}: `f1 odds list` shows what there is")
    console.print(f"{gone} prices removed. The next `f1 update` scores the market on what is left.")
