"""What keeps a command from running.

CannotRun              exit code 2: the text is a sentence that says what to do
└── BrokerFailed       the embedded broker cannot start
"""


class CannotRun(Exception):
    """Something that the command needs is not there; the text says what to do."""


class BrokerFailed(CannotRun):
    """The embedded broker cannot start: port, folder or the program itself."""
