"""What can be wrong with who somebody is or what they ask. `code` and `data` survive the wire.

IdentityError
├── Malformed          what was sent makes no sense
│   └── BadKey         an idempotency key that is none
├── Unavailable
│   └── SlowDown       too many tries; again after `retry_after_s`
├── Conflict
│   ├── LoginTaken
│   ├── KeyReused      the same idempotency key with another request
│   └── OpenAlarms     the shift cannot end while alarms are claimed
└── NotAllowed
    ├── NotSignedIn
    │   └── SignInAgain    may still look, but not act
    ├── BadCredentials
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


class Conflict(IdentityError):
    """It makes sense, but not as things stand."""

    code = "conflict"


class LoginTaken(Conflict):
    """Another account has this login."""

    code = "login_taken"

    def __init__(self, login: str) -> None:
        super().__init__(f"the login '{login}' is taken; choose another")


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
