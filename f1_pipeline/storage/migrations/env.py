"""Alembic environment: runs each migration in one transaction on the address it is given."""

from alembic import context

from f1_pipeline.storage.engine import get_engine, write_transaction
from f1_pipeline.storage.schema import metadata

engine = get_engine(context.config.attributes["url"])
with write_transaction(engine) as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=engine.dialect.name == "sqlite",
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
