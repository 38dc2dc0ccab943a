"""What happened to accounts, sessions and shifts, for the rooms above."""

from msgspec import Struct


class SessionOpened(Struct, frozen=True):
    """Somebody has signed in. how: `password` or `link`."""

    session_id: str
    account_id: str
    how: str


class SessionEnded(Struct, frozen=True):
    """Signed out, replaced, or ended for them: its feed must be closed."""

    session_id: str
    account_id: str


class ShiftStarted(Struct, frozen=True):
    """An operator is on shift."""

    shift_id: str
    account_id: str


class ShiftEnded(Struct, frozen=True):
    """An operator has gone."""

    shift_id: str
    account_id: str
