"""What can go wrong in the virtual town.

SimulatorError
├── BadPlan            the town's file cannot be understood; the text says where
├── NotInTown          no such home, or no such device in it
├── CannotPress        the device is there for the picture only
└── BrokerAway         the home broker is not connected; a bridge would lose the message too
"""


class SimulatorError(Exception):
    """The virtual town cannot do what it was asked."""


class BadPlan(SimulatorError):
    """The file that describes the town is missing or wrong."""


class NotInTown(SimulatorError):
    """A home or a device that the plan does not have."""


class CannotPress(SimulatorError):
    """A device that does nothing yet."""


class BrokerAway(SimulatorError):
    """Nothing can be published at present."""
