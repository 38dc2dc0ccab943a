"""What can be wrong with what the registry is asked or told.

RegistryError
├── Malformed        the form is at fault: a gateway id or a position that cannot be one
└── Unknown          no such area, gateway, home, station or responder
"""

from typing import Any, ClassVar


class RegistryError(Exception):
    """Something is wrong with what the registry was asked or told. `code` and `data` survive the
    wire."""

    code: ClassVar[str] = "registry_error"

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.data: dict[str, Any] = data


class Malformed(RegistryError):
    """The sender's fault; the text says what was expected."""

    code = "malformed"


class Unknown(RegistryError):
    """Something is named that the registry does not have."""

    code = "unknown"

    def __init__(self, what: str, thing_id: str) -> None:
        super().__init__(
            f"there is no {what} '{thing_id}' in the registry; add it first", what=what, id=thing_id
        )
        self.what, self.thing_id = what, thing_id
