"""What can be wrong with a message on the wire.

WireError
└── Malformed              the sender's fault: quarantine, count, never retry
    ├── UnknownTopic       not one of ours, or the partition does not belong to the gateway
    └── UnknownVersion     written by a newer edge than this cloud understands
"""


class WireError(Exception):
    """Something is wrong with a message between home and cloud."""


class Malformed(WireError):
    """A message that cannot be understood; the text says what was expected."""


class UnknownTopic(Malformed):
    """A topic outside the agreement."""


class UnknownVersion(Malformed):
    """An envelope of a version that this side cannot read."""
