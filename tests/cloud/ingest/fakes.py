"""A source, a judge and deliveries made by hand."""

from collections.abc import Sequence
from typing import Any

from cloud.ingest.judge import Fact, Technical
from cloud.ingest.source import Delivery
from cloud.storage.unit import Work
from contract.envelope import encode
from contract.lanes import Lane
from contract.messages import Batch, DeviceRows, Hello, LaneRange, Row, RowExtra, UpMessage
from contract.properties import Identity, to_properties
from contract.topics import partition_of, up_topic

GATEWAY = "gw-test01"


class FakeJudge:
    """Writes down what it is asked; fails for the device named in `poison`, with `trouble` for
    everything, and when deaf for every report."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.cases: list[Technical] = []
        self.confirmed: list[str] = []
        self.poison: str | None = None
        self.trouble: Exception | None = None
        self.is_deaf = False

    def judge(self, work: Work, facts: Sequence[Fact]) -> None:
        if self.trouble is not None:
            raise self.trouble
        if any(fact.device == self.poison for fact in facts):
            raise KeyError("a bug of ours")
        work.after_commit(lambda: self.facts.extend(facts))

    def report(self, work: Work, case: Technical) -> None:
        if self.is_deaf:
            raise KeyError("another bug of ours")
        work.after_commit(lambda: self.cases.append(case))

    def confirm(self, work: Work, command_ids: Sequence[str]) -> None:
        work.after_commit(lambda: self.confirmed.extend(command_ids))


class FakeSource:
    """Gives out what the test put in, and notes what is settled."""

    def __init__(self) -> None:
        self.waiting: list[Delivery] = []
        self.settled: list[Any] = []

    def poll(self, limit: int) -> list[Delivery]:
        taken, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return taken

    def settle(self, tokens: Sequence[Any]) -> None:
        self.settled.extend(tokens)

    def resume(self, partition: int, position: int) -> None:
        pass


def delivery(
    message: UpMessage | bytes,
    *,
    lane: Lane = Lane.ALARM,
    identity: Identity | None = None,
    received_ms: int = 1_000_000,
    token: Any = None,
    gateway: str = GATEWAY,
    fault: str | None = None,
) -> Delivery:
    """As the MQTT source would give it out."""
    payload, content_type = (
        (message, None)
        if isinstance(message, bytes)
        else ((made := encode(message)).payload, made.content_type)
    )
    return Delivery(
        lane=lane,
        partition=partition_of(gateway),
        position=None,
        gateway=gateway,
        topic=up_topic(gateway, lane),
        payload=payload,
        content_type=content_type,
        properties=tuple(to_properties(identity)) if identity else (),
        received_ms=received_ms,
        token=token,
        fault=fault,
    )


def press(
    seq: int, *, device: str = "z2m:0x1", journal: str = "j1", name: str = "sos", **extra: Any
) -> Batch:
    """One call for help."""
    row = Row(0, seq, name, True, None, RowExtra(**extra) if extra else None)
    return Batch(GATEWAY, journal, "b1", "alarm", 900_000, 900_001, [DeviceRows(device, [row])])


def samples(first: int, last: int, *, journal: str = "j1") -> Batch:
    """Temperatures with numbers first..last."""
    rows = [Row(seq, seq, "temperature", 20.5, "Cel") for seq in range(first, last + 1)]
    return Batch(GATEWAY, journal, "b1", "data", 900_000, 900_001, [DeviceRows("z2m:0x2", rows)])


def hello(journal: str = "j1", **lanes: tuple[int, int]) -> Hello:
    """The first message of a session."""
    ranges = {lane: LaneRange(*held) for lane, held in lanes.items()}
    return Hello(GATEWAY, journal, "b1", "0.1", 900_000, ranges)  # type: ignore[arg-type]
