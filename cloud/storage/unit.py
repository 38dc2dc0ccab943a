"""The unit of work: one transaction, one instant. Services take it and never commit."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, Table

from cloud.storage import bulk
from cloud.storage.ids import IdSource

log = logging.getLogger(__name__)


class Work:
    """One transaction under way. now_ms is its instant: everything written in it has the same
    time."""

    def __init__(
        self,
        connection: Connection,
        now_ms: int,
        ids: IdSource,
        tell: Callable[["Work", object], None],
    ) -> None:
        self.now_ms = now_ms
        self.new_id = ids
        self.notes: dict[str, Any] = {}  # what rooms collect for the finishers, by name of the room
        self._connection, self._tell = connection, tell
        self._after_commit: list[Callable[[], None]] = []

    def execute(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        """Run a SQLAlchemy Core statement in this transaction."""
        return self._connection.execute(statement, parameters)

    def insert_rows(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Many rows of one shape, with every column given, as fast as the database takes them."""
        bulk.insert_rows(self._connection, table, rows)

    def publish(self, event: object) -> None:
        """Tell the rooms above what happened; their handlers run now, inside this transaction."""
        self._tell(self, event)

    def after_commit(self, effect: Callable[[], None]) -> None:
        """Run once the transaction is durable, in the writer's thread: only wake others, never
        block."""
        self._after_commit.append(effect)

    def run_effects(self) -> list[Exception]:
        """Called by the store alone, after the commit. What is committed stands whatever an effect
        does, so each runs; answers with the troubles of those that failed."""
        troubles: list[Exception] = []
        for effect in self._after_commit:
            try:
                effect()
            except Exception as error:
                log.exception("an effect failed after its commit; the others run")
                troubles.append(error)
        return troubles
