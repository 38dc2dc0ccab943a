"""What can be wrong with what the registry is asked or told.

RegistryError
├── Malformed        the form is at fault: a gateway id or a position that cannot be one
├── Unknown          no such area, gateway, home, station or responder
└── Conflict
    ├── InUse        homes follow this call plan
    ├── SamePerson   who asks for a removal does not confirm it
    ├── NotOpen      the removal has been decided, or has run out
    └── HasChanged   more or less would go than when the removal was asked for
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


class Conflict(RegistryError):
    """It makes sense, but not as things stand."""

    code = "conflict"


class InUse(Conflict):
    """Homes would be left without what they follow."""

    code = "in_use"

    def __init__(self, homes: int) -> None:
        super().__init__(f"{homes} homes follow this call plan; give them another first")


class SamePerson(Conflict):
    """Four eyes."""

    code = "same_person"

    def __init__(self) -> None:
        super().__init__("you asked for this removal; another administrator must confirm it")


class NotOpen(Conflict):
    """What was decided stays decided."""

    code = "not_open"

    def __init__(self, state: str) -> None:
        super().__init__(f"this removal is {state}", state=state)


class HasChanged(Conflict):
    """Nobody confirms what they have not seen."""

    code = "has_changed"

    def __init__(self) -> None:
        super().__init__("homes or devices have changed since this was asked for; ask anew")
