"""What each role may do, how long a session stands, how sign-in is slowed. Pure.

Everything that is not listed is denied.
"""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class Role(StrEnum):
    """What an account is for. Each has one; administrator, operator and auditor are apart."""

    OPERATOR = "operator"
    STATION = "station"
    RESPONDER = "responder"
    FAMILY = "family"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


class Action(StrEnum):
    """What somebody may be allowed to do."""

    SEE_ALARMS = "see_alarms"
    HANDLE_ALARMS = "handle_alarms"  # claim, release, note, dispatch, close
    REVEAL_DOOR_CODE = "reveal_door_code"
    SEE_OFFERS = "see_offers"
    ANSWER_OFFERS = "answer_offers"  # accept, decline, depart, arrive, report
    SEE_UNITS = "see_units"
    SEE_STATIONS = "see_stations"
    KEEP_SHIFT = "keep_shift"  # an operator's own
    KEEP_DUTY = "keep_duty"  # a responder's
    SEE_REJECTED = "see_rejected"
    SEE_REGISTRY = "see_registry"
    SEE_READINGS = "see_readings"  # of a home: what its devices say over time
    EXPORT_READINGS = "export_readings"  # all of a home's, into a file
    ERASE_READINGS = "erase_readings"
    EDIT_REGISTRY = "edit_registry"
    KEEP_CALLS = "keep_calls"  # what is done and who is told when a home calls
    KEEP_GATEWAYS = "keep_gateways"  # codes and certificates
    KEEP_ACCOUNTS = "keep_accounts"
    SEE_OFFICE = "see_office"  # accounts, certificates, removals: as their keepers see them
    SEE_FIGURES = "see_figures"
    READ_AUDIT = "read_audit"
    KEEP_CONSENTS = "keep_consents"  # write down what residents have consented to, and withdrawn
    SEE_FAMILY = "see_family"  # homes whose residents have consented


PERMITTED: Final[Mapping[Role, frozenset[Action]]] = {
    Role.OPERATOR: frozenset(
        {
            Action.SEE_ALARMS,
            Action.HANDLE_ALARMS,
            Action.REVEAL_DOOR_CODE,
            Action.SEE_OFFERS,
            Action.SEE_UNITS,
            Action.SEE_STATIONS,
            Action.KEEP_SHIFT,
            Action.SEE_REJECTED,
            Action.SEE_REGISTRY,
            Action.SEE_READINGS,
            Action.KEEP_CONSENTS,  # a resident withdraws by telephone
        }
    ),
    Role.STATION: frozenset(
        {
            Action.SEE_OFFERS,
            Action.ANSWER_OFFERS,
            Action.SEE_UNITS,
            Action.SEE_STATIONS,
            Action.KEEP_DUTY,
        }
    ),
    Role.RESPONDER: frozenset(
        {
            Action.SEE_OFFERS,
            Action.ANSWER_OFFERS,
            Action.SEE_UNITS,
            Action.SEE_STATIONS,  # their own, to be seen on their page and map
            Action.KEEP_DUTY,
        }
    ),
    Role.FAMILY: frozenset({Action.SEE_FAMILY}),
    Role.SUPERVISOR: frozenset(
        {
            Action.SEE_ALARMS,
            Action.SEE_OFFERS,
            Action.SEE_UNITS,
            Action.SEE_STATIONS,
            Action.KEEP_DUTY,
            Action.SEE_REJECTED,
            Action.SEE_REGISTRY,
            Action.SEE_READINGS,
            Action.KEEP_CALLS,
            Action.EXPORT_READINGS,
            Action.SEE_FIGURES,
        }
    ),
    Role.ADMINISTRATOR: frozenset(
        {
            Action.SEE_STATIONS,
            Action.SEE_REJECTED,
            Action.SEE_REGISTRY,
            Action.EDIT_REGISTRY,
            Action.KEEP_CALLS,
            Action.KEEP_GATEWAYS,
            Action.ERASE_READINGS,
            Action.KEEP_ACCOUNTS,
            Action.SEE_OFFICE,
            Action.KEEP_CONSENTS,
        }
    ),
    Role.AUDITOR: frozenset({Action.READ_AUDIT, Action.SEE_OFFICE}),
}


SECOND_FACTOR: Final = frozenset({Role.ADMINISTRATOR})  # act only after the second step


def permits(role: Role, action: Action) -> bool:
    """Whether a role may do this at all; where it may is its scope."""
    return action in PERMITTED.get(role, frozenset())


# ---------------------------------------------------------------- sessions


class SessionLimits(NamedTuple):
    """How long a session stands unused, and at most."""

    idle_s: int
    absolute_s: int


_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
SESSION_LIMITS: Final[Mapping[Role, SessionLimits]] = {
    Role.OPERATOR: SessionLimits(30 * 60, 13 * _HOUR),  # a shift of twelve hours and its handover
    Role.STATION: SessionLimits(13 * _HOUR, 7 * _DAY),  # a tablet on the station's wall
    Role.RESPONDER: SessionLimits(24 * _HOUR, 30 * _DAY),  # a phone that must ring when needed
    Role.FAMILY: SessionLimits(30 * _DAY, 90 * _DAY),
    Role.SUPERVISOR: SessionLimits(30 * 60, 13 * _HOUR),
    Role.ADMINISTRATOR: SessionLimits(15 * 60, 8 * _HOUR),
    Role.AUDITOR: SessionLimits(15 * 60, 8 * _HOUR),
}
TOUCH_EVERY_MS: Final = 60_000  # how often use of a session is written down
FEED_FRESH_MS: Final = 150_000  # an open feed is written down every minute; two may be missed


class Standing(StrEnum):
    """What a session is still good for."""

    FULL = "full"
    VIEW_ONLY = "view_only"  # its time is over, but an open feed is never blinded
    ENDED = "ended"


def standing(
    *, active_ms: int, feed_ms: int | None, idle_ms: int, expires_ms: int, now_ms: int
) -> Standing:
    """An open feed counts as activity; past the absolute limit it may go on looking, not acting."""
    is_watched = feed_ms is not None and now_ms - feed_ms <= FEED_FRESH_MS
    if now_ms >= expires_ms:
        return Standing.VIEW_ONLY if is_watched else Standing.ENDED
    is_used = is_watched or now_ms - active_ms < idle_ms
    return Standing.FULL if is_used else Standing.ENDED


# ---------------------------------------------------------------- sign-in


class Pace(NamedTuple):
    """After `free` failures each try waits: first_s, doubled each time, never above max_s."""

    free: int
    first_s: int
    max_s: int


ACCOUNT_HERE: Final = Pace(5, 1, 30)  # this account from this source
ACCOUNT_ANYWHERE: Final = Pace(10, 1, 60)  # this account, from sources where it never signed in
SOURCE: Final = Pace(20, 1, 60)  # any account, from a source where it never signed in
FAILURES_FORGOTTEN_MS: Final = 15 * 60_000
SOURCE_KNOWN_MS: Final = 30 * _DAY * 1000  # how long a source counts as the account's own
CODE: Final = Pace(5, 1, 60)  # codes of the second step, for an account from anywhere
LOGIN_CHARS_MAX: Final = 64
PASSWORD_CHARS_MIN: Final = 12
PASSWORD_CHARS_MAX: Final = 256


def wait_ms(pace: Pace, failures: int, last_ms: int, now_ms: int) -> int:
    """How long the next try has to wait from now; 0: not at all. Nothing stays shut.

    A clock that was set back waits for nobody: the count goes on from the new time.
    """
    if failures < pace.free or not 0 <= now_ms - last_ms < FAILURES_FORGOTTEN_MS:
        return 0
    doublings = min(failures - pace.free, 16)
    delay_ms = min(pace.first_s << doublings, pace.max_s) * 1000
    return max(0, last_ms + delay_ms - now_ms)


def failures_after(failures: int, last_ms: int, now_ms: int) -> int:
    """The count with one more try; a quiet quarter of an hour wipes the slate."""
    return 1 if now_ms - last_ms >= FAILURES_FORGOTTEN_MS else failures + 1


def normal_login(login: str) -> str:
    """One spelling for a login, whatever the keyboard's width and case."""
    return unicodedata.normalize("NFKC", login).strip().casefold()
