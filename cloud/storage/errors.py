"""What can go wrong with the store.

StoreError
├── Unavailable     try again after `retry_after_s`
├── Fenced          another owner has taken the partition; drop what is cached
├── NotDurable      the server may lose what it has committed
└── NewerDatabase   a later version of Anju has changed it
"""


class StoreError(Exception):
    """Something is wrong with the relational store."""


class Unavailable(StoreError):
    """The store cannot take a transaction now: disk full, locked, stopped."""

    def __init__(self, reason: str, retry_after_s: float = 1.0) -> None:
        super().__init__(f"the store cannot write now: {reason}; try again in {retry_after_s:g} s")
        self.retry_after_s = retry_after_s


class Fenced(StoreError):
    """The transaction was rolled back, because a newer generation owns the partition."""


class NotDurable(StoreError):
    """The server is set up to forget commits that it has confirmed: no alarm may lie there."""

    def __init__(self, setting: str) -> None:
        super().__init__(
            f"the database has {setting} = off, so it may lose an alarm that it has confirmed;"
            f" set {setting} = on in postgresql.conf, for the database and for the role"
        )


class NewerDatabase(StoreError):
    """The database has a revision that this version has never heard of: nothing is touched."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"the database is at revision {revision}, which this version of Anju does not know; "
            "start the version that wrote it, or restore a backup from before"
        )
        self.revision = revision
