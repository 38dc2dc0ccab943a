"""How devices speak: one file a convention. The first that knows a topic takes its messages.

A dialect is found by being there: a module of this folder with `CONVENTION` and a class named by
`DIALECT`. They are asked in the order of their names, so each takes only topics that plainly have
its form; Zigbee2MQTT, whose devices' names may have any form, comes last by its name.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Final, Protocol

from contract.messages import RegisteredDevice
from edge.dialects.catalogue import NO_CATALOGUE, Catalogue
from edge.dialects.profile import Profiles
from edge.dialects.telling import Sent
from edge.meaning import NOT_KNOWN, Heard


class Dialect(Protocol):
    """One way of speaking; stateful only in what devices and bridges announced. Never raises."""

    def __init__(self, profiles: Profiles, catalogue: Catalogue) -> None: ...

    def configure(self, devices: Iterable[RegisteredDevice]) -> None:
        """Replaces the registry's devices."""

    @staticmethod
    def example(says: Mapping[str, object]) -> Sent:
        """A profile's example as a device would send it."""

    def hear(self, topic: str, payload: bytes, retain: bool) -> Heard:
        """What the message said; NOT_KNOWN where topic or form are nobody's of this convention."""


def _found() -> dict[str, type[Dialect]]:
    """By convention."""
    names = sorted(module.name for module in iter_modules(__path__))
    modules = [import_module(f"{__name__}.{name}") for name in names]
    return {module.CONVENTION: module.DIALECT for module in modules if hasattr(module, "DIALECT")}


DIALECTS: Final = _found()


class Hearing:
    """Turns MQTT messages of the home broker into readings; never raises.

    Stateful only in what bridges announced. With what we ship: edge.profiles.load_hearing.
    """

    def __init__(self, profiles: Profiles | None = None, catalogue: Catalogue = NO_CATALOGUE):
        known = profiles or Profiles()
        self._dialects = tuple(dialect(known, catalogue) for dialect in DIALECTS.values())
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
