"""``f1 db``: the product's tables, and who may do what with them."""

from __future__ import annotations

from typing import Annotated

import typer

from f1_pipeline.cli.output import notices
from f1_pipeline.settings import get_settings

db = typer.Typer(help="The product's tables: migrate, copy, give rights.", no_args_is_help=True)


@db.command("upgrade")
def db_upgrade(revision: Annotated[str, typer.Argument(help="Alembic revision.")] = "head") -> None:
    """Bring the tables up to a revision (default: the newest)."""
    from f1_pipeline.storage import migrate

    url = get_settings().tables_url
    migrate.upgrade(url, revision)
    notices.print(f"tables are at revision {migrate.current(url)}")


@db.command("downgrade")
def db_downgrade(
    revision: Annotated[str, typer.Argument(help="Alembic revision, -1 for one back, or base.")] = "-1",
) -> None:
    """Take the tables back to an earlier revision; rows of tables that go are lost."""
    from f1_pipeline.storage import migrate

    url = get_settings().tables_url
    migrate.downgrade(url, revision)
    notices.print(f"tables are at revision {migrate.current(url) or 'none'}")


@db.command("copy")
def db_copy(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FROM", help="SQLite file, or address, of the tables to copy.", show_default=False
        ),
    ],
) -> None:
    """Copy all rows of other tables into the empty ones of F1_DATABASE_URL: the way from SQLite to PostgreSQL."""
    from f1_pipeline.storage.carry import carry_over

    carried = carry_over(source, get_settings().tables_url, notices.print)
    filled = sum(map(bool, carried.values()))
    notices.print(f"{sum(carried.values()):,} rows of {filled} tables are there")


@db.command("roles")
def db_roles() -> None:
    """Make the roles and databases on a PostgreSQL server, with passwords from the environment."""
    from f1_pipeline.storage import roles

    settings = get_settings()
    given = {
        roles.OWNER: settings.owner_password,
        roles.PIPELINE: settings.pipeline_password,
        roles.APP: settings.app_password,
        roles.SERVICES["dagster"]: settings.dagster_password,
        roles.SERVICES["mlflow"]: settings.mlflow_password,
    }
    passwords = {role: secret.get_secret_value() for role, secret in given.items() if secret}
    for line in roles.create_roles(settings.tables_url, passwords):
        notices.print(line)
