"""Connections to either store. SQLite in WAL mode with synchronous=FULL, so that a commit that
returned is on the disk; PostgreSQL: see postgres.py."""

from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

from cloud.storage import postgres


def open_engine(address: str | URL, *, writes: bool) -> Engine:
    """An engine for reading or writing. `writes` on SQLite begins transactions as IMMEDIATE, so
    that they never fail half-way on a lock; on PostgreSQL they are serializable.

    Raises sqlalchemy.exc.ArgumentError for an address that is no database address.
    """
    url = make_url(address)
    if postgres.is_postgres(url):
        return postgres.open_engine(url, writes=writes)
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1 if writes else 4,
        hide_parameters=True,  # they are people's names and codes, and errors go to the log
        connect_args={"isolation_level": None, "check_same_thread": False, "timeout": 10.0},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=10000",
        "wal_autocheckpoint=2000",
        "cache_size=-32000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
