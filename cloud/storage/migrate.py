"""Brings a database to the tables of this version, and says whether it has them.

Imports no room: `check` compares with the tables of what the process has imported (`app` has all).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine

from cloud.storage import postgres
from cloud.storage.engine import open_engine
from cloud.storage.errors import NewerDatabase
from cloud.storage.schema import metadata

Target: TypeAlias = Engine | URL | str
FOLDER: Final = Path(__file__).parent / "migrations"
BASE: Final = "base"


def upgrade(target: Target) -> None:
    """To the newest revision, in one transaction; nothing where it is there already.

    target: an engine or a database's address. Raises NewerDatabase.
    """
    with _begun(target) as connection:
        _require_known(connection)
        command.upgrade(_config(connection), "head")


def downgrade(target: Target, revision: str = BASE) -> None:
    """Back to a revision; `base` leaves nothing, so take a backup first. Raises NewerDatabase."""
    with _begun(target) as connection:
        _require_known(connection)
        command.downgrade(_config(connection), revision)


def current_revision(target: Target) -> str | None:
    """What the database is at; None where no revision was ever applied."""
    with _begun(target) as connection:
        return _revision(connection)


def check(target: Target) -> list[Any]:
    """Alembic's list of what differs between the database and the tables in the code."""
    with _begun(target) as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


def draft(target: Target, message: str, number: str) -> None:
    """Write a revision file from what `check` finds, to be read and corrected by its author."""
    with _begun(target) as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=number)


@contextmanager
def _begun(target: Target) -> Iterator[Connection]:
    engine = target if isinstance(target, Engine) else open_engine(target, writes=True)
    try:
        if engine.dialect.name == "postgresql":
            # Not serializable: who has waited for another process must see what that one did.
            patient = engine.execution_options(isolation_level="READ COMMITTED")
            with patient.begin() as connection:
                yield postgres.settled(connection)
        else:
            with engine.begin() as connection:
                yield connection
    finally:
        if engine is not target:
            engine.dispose()


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "r%%(rev)s_%%(slug)s")
    config.set_main_option("path_separator", "os")
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _require_known(connection: Connection) -> None:
    revision = _revision(connection)
    known = {each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise NewerDatabase(revision)
