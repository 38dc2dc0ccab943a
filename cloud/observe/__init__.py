"""What the platform knows of its own health: counts, times, troubles, beats, readiness."""

from cloud.observe.counters import Counters, Trouble

__all__ = ["Counters", "Trouble"]
