"""Which failures of a database mean what: run the transaction again, come back later, or our own
mistake. Told by the error's own code, so that no driver is imported here."""

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from cloud.storage.errors import Unavailable

# PostgreSQL's codes, from appendix A of its manual.
COLLISIONS: Final = ("40001", "40P01")  # serialization failure, deadlock: rolled back, nothing lost
UNIQUE: Final = "23505"
AWAY: Final = ("25006", "25P03", "55P03")  # read-only (a stand-by), idle too long, lock not got
AWAY_CLASSES: Final = ("08", "53", "57", "58")  # connection, resources, operator, system
TRIES_MAX: Final = 100  # each time at least one of those in the way has committed
# Serializable transactions may collide in a unique key (manual, section 13.5); one that collides
# again with nobody is our own mistake.
UNIQUE_TRIES_MAX: Final = 3


def tries_of(error: Exception) -> int:
    """How often a transaction that failed so may be tried in all; 1: no use."""
    code = _sqlstate(error)
    if code in COLLISIONS:
        return TRIES_MAX
    return UNIQUE_TRIES_MAX if code == UNIQUE else 1


def translated(error: BaseException) -> BaseException:
    """Unavailable for what may go better later, anything else as it is."""
    if not _is_away(error):
        return error
    reason = " ".join(str(getattr(error, "orig", error)).split())
    unavailable = Unavailable(reason)
    unavailable.__cause__ = error
    return unavailable


def _is_away(error: BaseException) -> bool:
    if isinstance(error, NoConnection) or getattr(error, "connection_invalidated", False):
        return True
    code = _sqlstate(error)
    if code is not None:
        return code in COLLISIONS + AWAY or code[:2] in AWAY_CLASSES
    if isinstance(error, DBAPIError):
        # A statement that can never work is no reason to try it again for ever.
        is_ours = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
        return isinstance(error, OperationalError) and not is_ours
    return hasattr(error, "sqlstate") and type(error).__name__ == "OperationalError"


def _sqlstate(error: BaseException) -> str | None:
    code = getattr(getattr(error, "orig", error), "sqlstate", None)
    return code if isinstance(code, str) else None
