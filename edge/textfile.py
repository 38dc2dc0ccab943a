"""The gateway's metrics as a file for node_exporter's textfile collector, in
Prometheus' text format.

A file, because a gateway opens no port; written whole and renamed, so that nobody reads half of it.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from edge.clock import Now
from edge.health import HOP_S, Health
from edge.journal.view import View
from edge.pumps import EventSignal

EVERY_MS: Final = 15_000
FAMILIES: Final = {
    "anju_edge_build_info": ("gauge", "This program"),
    "anju_edge_link_up": ("gauge", "Whether a broker answers"),
    "anju_edge_waiting_rows": ("gauge", "Rows that the cloud has not acknowledged"),
    "anju_edge_events_total": ("counter", "What happened here, by its name"),
    "anju_edge_trouble_total": ("counter", "Failures of a part whose trouble stands"),
    "anju_edge_pumps_stuck": ("gauge", "Pumps that have not turned for half a minute"),
    "anju_edge_hop_seconds": ("histogram", "Time from a call's taking to the end of a hop"),
    "anju_edge_written_timestamp_seconds": ("gauge", "When this file was written"),
}
Samples = dict[str, list[tuple[str, Mapping[str, str], float]]]


class TextfilePump:
    """Writes the file every quarter of a minute."""

    name = "textfile"

    def __init__(self, path: Path, gateway: str, version: str, view: View, health: Health) -> None:
        self.signal = EventSignal()
        self._path, self._view, self._health = path, view, health
        self._identity = {"gateway": gateway, "version": version}
        self._next_ms = 0

    def run_once(self, now: Now) -> int | None:
        """Raises OSError, JournalError: the runner tells health and goes on."""
        if now.monotonic_ms >= self._next_ms:
            self._next_ms = now.monotonic_ms + EVERY_MS
            beside = self._path.with_name(f".{self._path.name}.new")
            beside.write_text(self.text(now), encoding="utf-8")
            os.replace(beside, self._path)
        return self._next_ms

    def drain(self, now: Now) -> bool:
        """See Pump: the file of the last turn stays, and its time tells how old it is."""
        return True

    def close(self) -> None:
        """See Pump."""

    def text(self, now: Now) -> str:
        """The whole file."""
        samples = self._samples(now)
        return "".join(line + "\n" for name in FAMILIES for line in _lines(name, samples[name]))

    def _samples(self, now: Now) -> Samples:
        health = self._health
        counts, troubles = health.snapshot()
        links = {"home": health.is_up("home"), "cloud": health.is_up("cloud")}
        return {
            "anju_edge_build_info": [("", self._identity, 1)],
            "anju_edge_link_up": [("", {"broker": name}, up) for name, up in links.items()],
            "anju_edge_waiting_rows": [
                ("", {"lane": lane}, rows) for lane, rows in self._view.counts().items()
            ],
            "anju_edge_events_total": [("", {"name": n}, each) for n, each in counts.items()],
            "anju_edge_trouble_total": [
                ("", {"part": part}, each.times) for part, each in troubles.items()
            ],
            "anju_edge_pumps_stuck": [("", {}, len(health.stuck(now)))],
            "anju_edge_hop_seconds": list(_hops(health)),
            "anju_edge_written_timestamp_seconds": [("", {}, now.wall_ms / 1000)],
        }


def _hops(health: Health) -> Iterator[tuple[str, Mapping[str, str], float]]:
    for name, hop in health.hops().items():
        total = 0
        for bound, count in zip((*map(str, HOP_S), "+Inf"), hop.counts, strict=True):
            total += count
            yield "_bucket", {"hop": name, "le": bound}, total
        yield "_count", {"hop": name}, total
        yield "_sum", {"hop": name}, hop.sum_s


def _lines(name: str, samples: list[tuple[str, Mapping[str, str], float]]) -> Iterator[str]:
    kind, text = FAMILIES[name]
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for suffix, labels, value in samples:
        told = ",".join(f'{label}="{_escaped(each)}"' for label, each in labels.items())
        yield f"{name}{suffix}{{{told}}} {float(value)!r}" if told else f"{name} {float(value)!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
