"""How Alembic runs our revisions: on the connection that cloud/storage/migrate.py hands over."""

from alembic import context

from cloud.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a column by making the table anew
)
context.run_migrations()
