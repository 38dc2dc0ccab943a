"""How devices speak: one file a convention. A message goes to the first dialect that knows its topic.

To add one: a new file with a class that has `convention`, `configure`, `hear` and `is_sos`, and its name in `Hearing`.
"""

from collections.abc import Iterable

from contract.messages import RegisteredDevice
from edge.meaning import NOT_KNOWN, Heard


class Hearing:
    """Turns MQTT messages of the home broker into readings. Stateful only in what bridges announced; never raises."""

    def configure(self, devices: Iterable[RegisteredDevice]) -> None:
        """Replaces the registry's devices behind this gateway."""

    def hear(self, topic: str, payload: bytes, retain: bool) -> Heard:
        """What the message said; `convention` is None where no dialect knows the topic."""
        return NOT_KNOWN

    def is_sos(self, device: str) -> bool:
        """Whether an unreadable message of this device may have been a call for help."""
        return False
