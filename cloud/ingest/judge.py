"""What ingest asks of the rooms below it: to judge new facts, and to raise what cannot be
judged."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from cloud.storage.unit import Work
from contract.lanes import Lane
from contract.messages import Row


class Fact(NamedTuple):
    """A new reading or event of a gateway. key: its identity `<gateway>/<journal>/<lane>/<seq>`.

    age_ms: monotonic age at receipt, None where unknown (counts as fresh); repeats: identity of the
    press that this one repeats; cancels: of the press that it takes back.
    """

    key: str
    gateway: str
    journal: str
    lane: Lane
    device: str
    row: Row
    happened_ms: int
    received_ms: int
    age_ms: int | None
    repeats: str | None = None
    cancels: str | None = None


class Technical(NamedTuple):
    """Something that might have been a call for help and could not be used. key: once for each."""

    key: str
    gateway: str
    device: str | None
    reason: str  # a word: undecodable, unknown_name, unregistered_gateway, quarantined
    detail: str
    received_ms: int


class Judge(Protocol):
    """Rules and alarms, inside the transaction that takes the facts in."""

    def judge(self, work: Work, facts: Sequence[Fact]) -> None:
        """Last values, sightings, rules, alarms. Facts of one gateway, in order of their lane."""

    def report(self, work: Work, case: Technical) -> None:
        """A technical alarm, folded with what is open for its gateway; never silence."""

    def confirm(self, work: Work, command_ids: Sequence[str]) -> None:
        """The edge has carried out these commands."""
