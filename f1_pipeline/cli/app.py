"""Commands of ``f1``. Each does one thing and says what it did; errors are one clear line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from f1_pipeline.cli import forecasts, reports
from f1_pipeline.cli import models as model_reports
from f1_pipeline.cli.database import db
from f1_pipeline.cli.odds import odds
from f1_pipeline.cli.output import CsvOrJson, Format, TableOrJson
from f1_pipeline.cli.progress import quiet, tell
from f1_pipeline.errors import NotReady
from f1_pipeline.settings import get_settings

app = typer.Typer(
    name="f1",
    help="Formula 1 forecasts: ingest results, rate, predict, score and show.\n\nStart with `f1 run`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(db, name="db")
app.add_typer(odds, name="odds")

Horizon = Annotated[
    str | None, typer.Option(help="pre_weekend (entry list only) or pre_race (after qualifying).")
]
Model = Annotated[str | None, typer.Option(help="A model's name, such as pool or random_forest.")]
Start = Annotated[int, typer.Option("--start-season", help="First season.")]
End = Annotated[int, typer.Option("--end-season", help="Last season.")]


@app.command()
def run() -> None:
    """Do everything: update, then serve dashboard, Dagster and MLflow until Ctrl-C."""
    update()
    serve()


@app.command()
def update() -> None:
    """Find what is new, take it in, do again what stands on it, and forecast the next race."""
    from f1_pipeline.update import run_update

    quiet()
    report = run_update(get_settings(), tell)
    reports.print_update(report)


@app.command()
def backfill(
    start_season: Start,
    end_season: End,
    remake: Annotated[
        bool, typer.Option(help="Train and forecast anew what exists, after a change of the code.")
    ] = False,
) -> None:
    """Materialise ratings, features, forecasts and scores of some seasons."""
    from f1_pipeline.backfill import run_backfill

    quiet()
    report = run_backfill(
        get_settings(),
        start_season,
        end_season,
        remake,
        tell,
    )
    reports.print_update(report)


@app.command()
def forecast(
    race_key: Annotated[
        str | None, typer.Argument(help="Such as 2026-netherlands; the next race when left out.")
    ] = None,
    horizon: Horizon = None,
    model: Model = "pool",
    sprint: Annotated[bool, typer.Option("--sprint", help="The sprint of that weekend.")] = False,
    why: Annotated[
        bool, typer.Option("--why", help="What moved the pool's forecast, by group of features.")
    ] = False,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
) -> None:
    """Show the forecast of a race: by default of the next one, at the newest horizon."""
    if sprint and why:
        raise NotReady("--sprint and --why are two views: give one of them")
    view: forecasts.View = "sprint" if sprint else "why" if why else "race"
    forecasts.forecast(get_settings(), race_key, horizon, model or "pool", output, view)


@app.command()
def championship(
    season: Annotated[int | None, typer.Option(help="The season; the newest when left out.")] = None,
    after_round: Annotated[
        int | None, typer.Option(help="As it stood after this round, 0 for before the first.")
    ] = None,
    kind: Annotated[str, typer.Option(help="driver or constructor.")] = "driver",
    what_if: Annotated[
        bool, typer.Option("--what-if", help="What each result of the next race would do to the title.")
    ] = False,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
) -> None:
    """Show how the championship stands and how it will end: points, title chances, who can still win."""
    from f1_pipeline.cli.championship import championship as show

    show(reports.open_tables(get_settings()), season, after_round, kind, what_if, output)


@app.command()
def evaluate(
    start_season: Start = 2014,
    end_season: End = 2100,
    horizon: Horizon = None,
    model: Model = None,
    against: Annotated[
        str | None, typer.Option(help="Log loss minus that of this model, on the races both were scored on.")
    ] = None,
    reliability: Annotated[
        bool,
        typer.Option("--reliability", help="What was forecast, by probability, and how often it happened."),
    ] = False,
    output: Annotated[TableOrJson, typer.Option("--format", help="How to print.")] = TableOrJson.table,
) -> None:
    """Show how good past forecasts were, by model and horizon, over some seasons."""
    from f1_pipeline.cli import evaluation

    if against and reliability:
        raise typer.BadParameter("--against and --reliability are two tables: ask for one at a time")
    window = evaluation.read_window(get_settings(), start_season, end_season, horizon, model, against)
    if reliability:
        evaluation.print_reliability(window, model or "pool", output)
    elif against:
        evaluation.print_differences(window, model, against, output)
    else:
        evaluation.print_scores(window, model, output)


@app.command()
def predictions(
    start_season: Start,
    end_season: End,
    horizon: Horizon = None,
    model: Model = None,
    output: Annotated[CsvOrJson, typer.Option("--format", help="How to print.")] = CsvOrJson.csv,
) -> None:
    """Export forecasts: one row per race, horizon, model and driver."""
    forecasts.predictions(get_settings(), start_season, end_season, horizon, model, output)


Trained = Annotated[str, typer.Argument(help="A trained model, such as plackett_luce.")]
Of = Annotated[
    str, typer.Option("--horizon", help="pre_weekend (entry list only) or pre_race (after qualifying).")
]


@app.command()
def challenge(
    model: Trained,
    horizon: Of,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="A hyper-parameter, such as penalty=40. Repeatable; default: the code's."),
    ] = None,
    start_season: Annotated[
        int | None, typer.Option(help="First season compared; default: the first that is forecast.")
    ] = None,
) -> None:
    """Compare another recipe of a model with the one in force, on the same races; promote it if it is better."""
    quiet()
    model_reports.challenge(get_settings(), model, horizon, assignments or [], start_season)


@app.command()
def rollback(model: Trained, horizon: Of) -> None:
    """Go back to the recipe of a model that was in force before the present one."""
    quiet()
    model_reports.rollback(get_settings(), model, horizon)


@app.command()
def models(
    output: Annotated[TableOrJson, typer.Option("--format", help="How to print.")] = TableOrJson.table,
) -> None:
    """Show the champion of each model and horizon, its recipe, and the last decision about it."""
    model_reports.show_models(get_settings(), output)


@app.command()
def status(
    output: Annotated[TableOrJson, typer.Option("--format", help="How to print.")] = TableOrJson.table,
) -> None:
    """Show what is there: source, release, age, rows, models, next race."""
    reports.status(get_settings(), output)


@app.command()
def replay(
    archives: Annotated[
        Path,
        typer.Option("--archives", help="Folder with F1DB's CSV archives of 2026.10, 2026.11 and later."),
    ],
    faults: Annotated[
        bool, typer.Option("--faults/--no-faults", help="With the faults of the sources, or without.")
    ] = True,
    home: Annotated[
        Path | None,
        typer.Option("--home", help="Directory for its state, empty or new; a temporary one when left out."),
    ] = None,
    daemon: Annotated[
        bool, typer.Option("--daemon", help="By Dagster's daemon, with its code server and the Dagster UI.")
    ] = False,
) -> None:
    """Play the weekend of Hungary 2026 again, by the product itself, against sources of its own."""
    from f1_pipeline.cli.replay import replay as play

    quiet()
    play(archives, faults, home, daemon)


@app.command()
def serve(
    only: Annotated[
        list[str] | None,
        typer.Option(help="Start only this one: dashboard, api, dagster, metrics or mlflow. Repeatable."),
    ] = None,
) -> None:
    """Serve dashboard, API, Dagster, metrics and MLflow under one supervisor until Ctrl-C."""
    from f1_pipeline.serve import serve as serve_all

    raise typer.Exit(serve_all(get_settings(), only))


@app.command()
def metrics(
    once: Annotated[bool, typer.Option("--once", help="Print them once and end.")] = False,
) -> None:
    """Serve the pipeline's metrics for Prometheus until Ctrl-C: ages, runs, forecasts, scores, requests, daemon."""
    from f1_pipeline.metrics.server import as_text, serve_until_stopped

    if once:
        typer.echo(as_text(get_settings()), nl=False)
        return
    quiet()
    serve_until_stopped(get_settings())


@app.command()
def doctor() -> None:
    """Check the installation: versions, settings, database, source, ports. Exit code 1 if something is wrong."""
    from f1_pipeline.cli.doctor import diagnose

    raise typer.Exit(diagnose(get_settings()))
