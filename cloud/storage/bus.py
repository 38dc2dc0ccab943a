"""Typed domain events within a transaction: a lower room says what happened, the composition root
decides who reacts."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from cloud.storage.unit import Work

E = TypeVar("E")


class Bus:
    """Handlers by event type. Filled once at start, then only read."""

    def __init__(self) -> None:
        self._handlers: dict[type, list[Callable[[Work, Any], None]]] = defaultdict(list)

    def on(self, event_type: type[E], handler: Callable[[Work, E], None]) -> None:
        """Call the handler, inside the same unit of work, for each event of exactly this type."""
        self._handlers[event_type].append(handler)

    def publish(self, work: Work, event: object) -> None:
        """In order of registration; an exception rolls the whole transaction back."""
        for handler in self._handlers.get(type(event), ()):
            handler(work, event)
