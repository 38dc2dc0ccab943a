"""What is particular to PostgreSQL: its connections, how long one may wait in it, whether it keeps
what it has committed.

Writers are serializable: our rooms read, decide and write as if they were alone, which on SQLite
they are. What the server refuses for that reason runs again as a whole (store.py).
"""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool, Pool
from typing_extensions import override

from cloud.storage.errors import NotDurable, Unavailable

log = logging.getLogger(__name__)
DRIVER: Final = "postgresql+psycopg"
CONNECT_S_MAX: Final = 5
READERS: Final = 8
LOOK_S: Final = 0.5  # whether a server that is waited for is there
# Of a session, on the server's side. A process that was frozen in a transaction loses it after 3 s,
# so who waits for its row gets it before the wait is over; one whose machine is gone loses its
# session, and with it its locks, after 11 s.
SESSION: Final[Mapping[str, str]] = {
    "idle_in_transaction_session_timeout": "3s",
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
}
# And on ours, for a server whose machine is gone.
SOCKET: Final[Mapping[str, int]] = {
    "connect_timeout": CONNECT_S_MAX,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


def is_postgres(address: str | URL) -> bool:
    """Whether an address is one of PostgreSQL."""
    return make_url(address).get_backend_name() == "postgresql"


def open_engine(
    address: str | URL, *, writes: bool, name: str | None = None, pool: type[Pool] | None = None
) -> Engine:
    """Sessions with our time-outs. name: as the server shows them; else by what they do."""
    options = " ".join(f"-c {key}={value}" for key, value in SESSION.items())
    name = name or ("anju-writes" if writes else "anju-reads")
    sizes = {} if pool else {"pool_size": 1 if writes else READERS}
    engine = create_engine(
        make_url(address).set(drivername=DRIVER),
        isolation_level="SERIALIZABLE" if writes else "REPEATABLE READ",
        poolclass=pool,
        pool_pre_ping=True,  # a server that was restarted costs nobody an error
        hide_parameters=True,  # they are people's names and codes, and errors go to the log
        connect_args={**SOCKET, "options": options, "application_name": name},
        **sizes,
    )
    event.listen(engine, "connect", _prepare)
    return engine


def settled(connection: Connection) -> Connection:
    """For changes of the tables: one at a time among all processes, and they take their time."""
    for name in ("lock_timeout", "statement_timeout"):
        connection.execute(text(f"SET LOCAL {name} = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('anju.migrate'))"))
    return connection


def require_durable(connection: Connection) -> None:
    """Raises NotDurable where a commit may be lost after it was acknowledged."""
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if connection.execute(text(f"SHOW {name}")).scalar() == "off":
            raise NotDurable(name)


def await_server(url: URL, is_wanted: Callable[[], bool]) -> None:
    """Until it answers: a neighbour that is late is no reason to end. Says so where its reason is
    a new one. Raises NotDurable, or Unavailable where nobody wants it any more."""
    engine = open_engine(url, writes=False, pool=NullPool)
    told, pause = "", threading.Event()
    while True:
        try:
            with engine.connect() as connection:
                return require_durable(connection)
        except OperationalError as error:
            reason = " ".join(str(error.orig).split())
            if not is_wanted():
                raise Unavailable(reason) from error
        if reason != told:
            log.warning("waiting for the database %s: %s", url, reason)
            told = reason
        pause.wait(LOOK_S)


class _Text(Dumper):
    """A text without U+0000, which PostgreSQL refuses and a gateway may send: an alarm must not
    fail for it."""

    @override
    def dump(self, obj: Any) -> Buffer:
        return str.replace(obj, "\0", "\N{REPLACEMENT CHARACTER}").encode()


def _prepare(connection: Any, _record: object) -> None:
    connection.adapters.register_dumper(str, _Text)
