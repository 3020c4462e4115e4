"""How a migration reaches the database: through the app's own engine and settings."""

from alembic import context
from flask import current_app

extension = current_app.extensions["migrate"]
database = extension.db


def _upgrade_on(connection: object) -> None:
    context.configure(connection=connection, target_metadata=database.metadata, **extension.configure_args)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    context.configure(url=database.engine.url, target_metadata=database.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with database.engine.connect() as connection:
        _upgrade_on(connection)
