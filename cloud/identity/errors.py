"""What can be wrong with who somebody is or what they ask. `code` and `data` survive the wire.

IdentityError
├── Malformed          what was sent makes no sense
│   └── BadKey         an idempotency key that is none
├── NotFound           no such account or consent, or not for this caller's eyes
├── Unavailable
│   ├── SlowDown       too many tries to sign in; again after `retry_after_s`
│   └── TooFast        too many commands; again after `retry_after_s`
├── Conflict
│   ├── LoginTaken
│   ├── AlreadyGiven   the consent stands
│   ├── OwnAccount     nobody shuts themselves out
│   ├── AlarmUnderWay  somebody is being helped where something is to be removed
│   ├── KeyReused      the same idempotency key with another request
│   └── OpenAlarms     the shift cannot end while alarms are claimed
└── NotAllowed
    ├── NotSignedIn
    │   └── SignInAgain    may still look, but not act
    ├── BadCredentials
    ├── BadCode        of the second step
    ├── CodeNeeded     the first step was right; carries the second one's ticket
    ├── SecondFactorNeeded  this role acts with a second factor only
    ├── LinkGone
    ├── BadCsrf
    ├── NotPermitted   the role may not do this
    └── OutOfScope     the role may, but not there
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class IdentityError(Exception):
    """Something is wrong with who somebody is or what they ask."""

    code: ClassVar[str] = "identity_error"

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.data: dict[str, Any] = data


class Malformed(IdentityError):
    """The caller's fault; asking again will not help."""

    code = "malformed"


class BadKey(Malformed):
    """An idempotency key that cannot be one."""

    code = "bad_idempotency_key"


class Unavailable(IdentityError):
    """Not now."""

    code = "unavailable"
    retry_after_s: float = 1.0


class SlowDown(Unavailable):
    """Trying is slowed for this source or account; nobody is ever locked out."""

    code = "slow_down"

    def __init__(self, retry_after_s: float) -> None:
        text = f"too many attempts; try again in {retry_after_s:g} s"
        super().__init__(text, retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


class TooFast(Unavailable):
    """Commands come faster than people give them."""

    code = "too_fast"

    def __init__(self, retry_after_s: float) -> None:
        text = f"too many commands in a short time; try again in {retry_after_s:.1f} s"
        super().__init__(text, retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


class NotFound(IdentityError):
    """There is none, or none that the caller may know of; which of the two is not told."""

    code = "not_found"

    def __init__(self, what: str, thing_id: str) -> None:
        super().__init__(f"there is no {what} {thing_id}", id=thing_id)


class Conflict(IdentityError):
    """It makes sense, but not as things stand."""

    code = "conflict"


class LoginTaken(Conflict):
    """Another account has this login."""

    code = "login_taken"

    def __init__(self, login: str) -> None:
        super().__init__(f"the login '{login}' is taken; choose another")


class AlreadyGiven(Conflict):
    """The same consent stands."""

    code = "already_given"

    def __init__(self) -> None:
        super().__init__("this consent stands already; withdraw it first to write it anew")


class OwnAccount(Conflict):
    """Somebody would shut themselves out."""

    code = "own_account"

    def __init__(self) -> None:
        super().__init__("this is your own account; ask another administrator")


class AlarmUnderWay(Conflict):
    """Helping goes first."""

    code = "alarm_under_way"

    def __init__(self, alarm_ids: Sequence[str]) -> None:
        text = f"{len(alarm_ids)} alarms are open there; wait until they are closed"
        super().__init__(text, alarms=list(alarm_ids))


class KeyReused(Conflict):
    """An idempotency key names one request for ever."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("this idempotency key belongs to another request; make a new one")


class OpenAlarms(Conflict):
    """Alarms that the operator has claimed must be closed, released or taken over first."""

    code = "open_alarms"

    def __init__(self, alarm_ids: Sequence[str]) -> None:
        text = f"{len(alarm_ids)} claimed alarms are open; close them or hand them over first"
        super().__init__(text, alarms=list(alarm_ids))


class NotAllowed(IdentityError):
    """Not for this caller."""

    code = "not_allowed"


class NotSignedIn(NotAllowed):
    """There is no session, or it has ended."""

    code = "not_signed_in"

    def __init__(self, message: str = "nobody is signed in here; sign in first") -> None:
        super().__init__(message)


class SignInAgain(NotSignedIn):
    """The session is past its time: an open feed goes on, acting needs a new one."""

    code = "sign_in_again"

    def __init__(self) -> None:
        super().__init__("this session is past its time; sign in again to act")


class BadCredentials(NotAllowed):
    """Login or password is wrong; which of them is not told."""

    code = "bad_credentials"

    def __init__(self) -> None:
        super().__init__("login or password is wrong")


class BadCode(NotAllowed):
    """The second step's code is wrong, was used already, or its ticket has lapsed."""

    code = "bad_code"

    def __init__(self) -> None:
        super().__init__("the code is wrong or was used already; take the next one")


class CodeNeeded(NotAllowed):
    """Login and password, or the link, were right; now the code."""

    code = "code_needed"

    def __init__(self, ticket: str, expires_ms: int) -> None:
        super().__init__("a code is needed as well", ticket=ticket, expires_ms=expires_ms)
        self.ticket = ticket


class SecondFactorNeeded(NotAllowed):
    """The role acts only in sessions that were opened with a second factor."""

    code = "second_factor_needed"

    def __init__(self) -> None:
        super().__init__("set up a second factor on the sign-in page first")


class LinkGone(NotAllowed):
    """A sign-in link that was used, is too old, or never was; which is not told."""

    code = "link_gone"

    def __init__(self) -> None:
        super().__init__("this sign-in link has been used or is too old; ask for a new one")


class BadCsrf(NotAllowed):
    """The request does not come from our page."""

    code = "bad_csrf"

    def __init__(self) -> None:
        super().__init__("the request lacks the session's x-csrf; reload the page")


class NotPermitted(NotAllowed):
    """The account's role may not do this."""

    code = "not_permitted"

    def __init__(self, role: str, action: str) -> None:
        super().__init__(f"role {role} may not {action}", role=role, action=action)


class OutOfScope(NotAllowed):
    """The thing lies outside the account's area or station."""

    code = "out_of_scope"

    def __init__(self) -> None:
        super().__init__("this lies outside of what the account is for")
