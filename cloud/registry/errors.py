"""What can be wrong with the registry.

RegistryError
├── Malformed        the file or form is at fault
│   └── BadSeed      a file of the demo's registry; the text names file and place
└── Unknown          no such area, gateway, home, station or responder
"""


class RegistryError(Exception):
    """Something is wrong with what the registry was asked or told."""


class Malformed(RegistryError):
    """The sender's fault; the text says what was expected."""


class BadSeed(Malformed):
    """A registry file that cannot be read."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(
            f"{file} cannot be used: {reason}; the comment at its head says what is due"
        )
        self.file = file


class Unknown(RegistryError):
    """Something is named that the registry does not have."""

    def __init__(self, what: str, thing_id: str) -> None:
        super().__init__(f"there is no {what} '{thing_id}' in the registry; add it first")
        self.what, self.thing_id = what, thing_id
