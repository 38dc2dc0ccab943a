"""What can be wrong with a certificate or the asking for one. `code` and `data` survive the wire.

FleetError
├── Malformed          what was sent makes no sense
│   ├── BadRequest     a certificate request that is none, or is too weak
│   └── BadName        a name that no certificate of ours may have
├── Conflict
│   ├── NoAuthority    this installation has no CA, or does not say where gateways find it
│   ├── AuthorityThere a CA is there already
│   └── NothingToRevoke
├── NotAllowed
│   ├── BadCode        used, too old, or never made; which is not told
│   └── NotRenewed     the present certificate is not good enough to get another
└── BrokenLedger       the CA's list of what it signed cannot be read
"""

from pathlib import Path
from typing import Any, ClassVar


class FleetError(Exception):
    """Something is wrong with a certificate or the asking for one."""

    code: ClassVar[str] = "fleet_error"

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.data: dict[str, Any] = data


class Malformed(FleetError):
    """The sender's fault; asking again will not help."""

    code = "malformed"


class BadRequest(Malformed):
    """Not a certificate request that can be signed."""

    code = "bad_certificate_request"


class BadName(Malformed):
    """A name becomes a place in topics, so its form is fixed."""

    code = "bad_name"


class Conflict(FleetError):
    """It makes sense, but not as things stand."""

    code = "conflict"


class NoAuthority(Conflict):
    """Nothing can be signed here."""

    code = "no_authority"


class AuthorityThere(Conflict):
    """A second CA in the same place would make every certificate of the first worthless."""

    code = "authority_there"

    def __init__(self, folder: Path) -> None:
        super().__init__(f"there is a CA in {folder} already; it is left as it is")


class NothingToRevoke(Conflict):
    """No certificate of this name or serial is in force."""

    code = "nothing_to_revoke"

    def __init__(self, what: str) -> None:
        super().__init__(f"no certificate '{what}' is in force; see the name or serial again")


class NotAllowed(FleetError):
    """Not for this caller."""

    code = "not_allowed"


class BadCode(NotAllowed):
    """A code that was used, is too old, or never was."""

    code = "bad_code"

    def __init__(self) -> None:
        super().__init__("this code has been used or is too old; have a new one made")


class NotRenewed(NotAllowed):
    """Another certificate is given only for one of ours that is valid now."""

    code = "not_renewed"


class BrokenLedger(FleetError):
    """Without it nobody knows what was revoked: nothing is signed until it is mended."""

    code = "broken_ledger"

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}; restore it from a backup of the CA's folder")
