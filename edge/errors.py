"""What can go wrong at the edge.

EdgeError
├── BadSettings            the configuration cannot be used; the sentence says what to change
├── BadCertificate         key or certificate cannot be used; enrol again
├── NotEnrolled            the cloud gave no certificate; the sentence says why
├── DataInUse              another agent holds the data folder
└── JournalError
    ├── JournalUnavailable   disk full, I/O error, locked: nothing was kept, try again
    └── JournalBroken        the file is damaged: set it aside and start a new one
"""


class EdgeError(Exception):
    """Something is wrong at the edge."""


class BadSettings(EdgeError):
    """The configuration cannot be used."""


class BadCertificate(EdgeError):
    """Key or certificate of this gateway cannot be used."""


class NotEnrolled(EdgeError):
    """The cloud gave no certificate. status: of HTTP, 0 where it could not be asked."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class DataInUse(EdgeError):
    """Two agents must never write one journal."""

    def __init__(self, folder: object) -> None:
        super().__init__(f"another agent works in {folder}; stop it or choose another data_dir")


class JournalError(EdgeError):
    """Something is wrong with the journal."""


class JournalUnavailable(JournalError):
    """The journal could not write; nothing of the group was kept."""

    def __init__(self, reason: str, retry_after_s: float = 0.5) -> None:
        super().__init__(f"the journal cannot write now: {reason}; trying again")
        self.reason, self.retry_after_s = reason, retry_after_s


class JournalBroken(JournalError):
    """The journal's file is damaged."""
