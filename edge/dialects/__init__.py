"""How devices speak: one file a convention. The first that knows a topic takes its messages.

To add one: a new file with a class that has `configure` and `hear`, and its name in `Hearing`.
"""

from collections.abc import Iterable

from contract.messages import RegisteredDevice
from edge.dialects.catalogue import NO_CATALOGUE, Catalogue
from edge.dialects.profile import Profiles
from edge.dialects.zigbee2mqtt import Zigbee2Mqtt
from edge.meaning import NOT_KNOWN, Heard


class Hearing:
    """Turns MQTT messages of the home broker into readings; never raises.

    Stateful only in what bridges announced. With what we ship: edge.profiles.load_hearing.
    """

    def __init__(self, profiles: Profiles | None = None, catalogue: Catalogue = NO_CATALOGUE):
        self._dialects = (Zigbee2Mqtt(profiles or Profiles(), catalogue),)
        self._sos: frozenset[str] = frozenset()

    def configure(self, devices: Iterable[RegisteredDevice]) -> None:
        """Replaces the registry's devices behind this gateway."""
        registered = tuple(devices)
        self._sos = frozenset(device.id for device in registered if device.is_sos)
        for dialect in self._dialects:
            dialect.configure(registered)

    def hear(self, topic: str, payload: bytes, retain: bool) -> Heard:
        """What the message said; `convention` is None where no dialect knows the topic."""
        for dialect in self._dialects:
            heard = dialect.hear(topic, payload, retain)
            if heard.convention is not None:
                return heard
        return NOT_KNOWN

    def is_sos(self, device: str) -> bool:
        """Whether an unreadable message of this device may have been a call for help."""
        return device in self._sos
