"""One gateway between two brokers in memory, on a clock that tests turn by hand."""

from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from anju.broker_config import BrokerKind
from contract.envelope import decode_up, encode
from contract.lanes import Lane
from contract.messages import Ack, Batch, Config, DownMessage, Hello, Row, UpMessage
from contract.topics import down_topic, up_topic
from edge.dialects import Hearing
from edge.health import Health
from edge.home import HomePump
from edge.intake import Intake
from edge.journal.limits import Keeper, Limits
from edge.journal.store import Journal
from edge.local import Local, say_topic, siren_topic
from edge.profiles import load_profiles
from edge.pumps import EventSignal
from edge.residents import Residents
from edge.uplink.pump import UplinkPump
from edge.words import read_words
from tests.edge.dialects.bridge import CONFIG, body, registered
from tests.edge.fakes import Disk, FakeBroker, FakeLink, HandClock

GATEWAY: Final = "gw-test01"
BUTTON: Final = "zigbee2mqtt/bell"
TURNS_MAX: Final = 200


def config(*, window_s: int = 30) -> Config:
    """Two homes behind one gateway: two buttons and a thermometer in the first, one button in the
    second."""
    button = {"is_sos": True, "vendor": "MultIR", "model": "MIR-SO100"}
    devices = [
        registered(BUTTON, **button),
        registered("zigbee2mqtt/cord", id="z2m:cord", **button),
        registered("zigbee2mqtt/other", id="z2m:other", home="ho-2", **button),
        registered("zigbee2mqtt/thermo", id="z2m:thermo"),
    ]
    return Config(1, devices, window_s)


PROFILES: Final = load_profiles(CONFIG / "profiles")
WORDS: Final = read_words(CONFIG)


class House:
    """The two pumps of one gateway, as edge.agent composes them, between two brokers in memory."""

    def __init__(self, folder: Path, kind: BrokerKind = BrokerKind.MOSQUITTO) -> None:
        self.clock, self.disk = HandClock(), Disk()
        self.home_broker, self.cloud_broker = FakeBroker(kind), FakeBroker()
        folder.mkdir()
        self._folder, self.version, self._journals = folder, "1", 0
        self.hearing: Any = None  # another one than the real, where a test says so
        self.start()
        self.cloud_says(config())

    def start(self) -> None:
        """As a new process."""
        home_signal, cloud_signal = EventSignal(), EventSignal()
        self.health, residents = Health(), Residents()
        self.journal = Journal(
            self._folder, self.clock, f"edge:{GATEWAY}", self.disk.connect, self._new_id
        )
        self.home_link = FakeLink(self.home_broker, home_signal)
        self.cloud_link = FakeLink(self.cloud_broker, cloud_signal)
        hearing = self.hearing or Hearing(PROFILES)
        self.home = HomePump(
            gateway=GATEWAY,
            link=self.home_link,
            signal=home_signal,
            journal=self.journal,
            intake=Intake(hearing, residents, self.health, self.journal.view.row),
            residents=residents,
            local=Local(GATEWAY, WORDS),
            keeper=Keeper(self.journal, Limits(), self.clock.boot, self.clock.is_synced),
            clock=self.clock,
            health=self.health,
            uplink_signal=cloud_signal,
            version=self.version,
        )
        self.uplink = UplinkPump(
            gateway=GATEWAY,
            version=self.version,
            link=self.cloud_link,
            signal=cloud_signal,
            journal=self.journal,
            clock=self.clock,
            health=self.health,
            hand_over=self.home.deliver,
            done=self.home.done,
            random=Random(1),
            start_within_ms=0,
        )
        self.turn()

    def die(self) -> None:
        """By SIGKILL: nothing is finished, nothing is said."""
        for broker, link in (
            (self.home_broker, self.home_link),
            (self.cloud_broker, self.cloud_link),
        ):
            broker.left(link)
        self.journal.close()

    def end(self) -> None:
        """In the orderly way."""
        for pump in (self.uplink, self.home):
            for _ in range(TURNS_MAX):
                if pump.drain(self.clock.now()):
                    break
                self.clock.pass_ms(20)
            pump.close()

    def restart(self) -> None:
        """Killed, and started again."""
        self.die()
        self.start()

    def _new_id(self) -> str:
        self._journals += 1
        return f"jr-{self._journals}"

    # ------------------------------------------------------------ time

    def turn(self) -> None:
        """Both pumps, until nothing is due at this instant."""
        for _ in range(TURNS_MAX):
            now = self.clock.now()
            due = [self.home.run_once(now), self.uplink.run_once(now)]
            if not self._has_news() and all(d is None or d > self.clock.at_ms for d in due):
                return
        raise AssertionError("the pumps do not come to rest")

    def _has_news(self) -> bool:
        return bool(self.home_link._events or self.cloud_link._events or self.home._inbox)

    def pass_s(self, seconds: float) -> None:
        """Time goes by; whatever falls due happens at its instant."""
        until_ms = self.clock.at_ms + int(seconds * 1000)
        while True:
            now = self.clock.now()
            due = [self.home.run_once(now), self.uplink.run_once(now)]
            next_ms = min([until_ms, *(d for d in due if d is not None)])
            if now.monotonic_ms >= until_ms:
                self.turn()
                return
            self.clock.pass_ms(max(1, next_ms - now.monotonic_ms))

    # ------------------------------------------------------------ devices

    def press(self, topic: str = BUTTON, action: str = "single", qos: int = 1) -> None:
        """A button's message; the pumps take it at once."""
        self.home_broker.send(topic, body({"action": action}), qos=qos)
        self.turn()

    def press_while_dead(self) -> None:
        """Nobody takes it yet."""
        self.home_broker.send(BUTTON, body({"action": "single"}))

    def measures(self, value: float, qos: int = 1) -> None:
        """A temperature. It waits for its group."""
        self.home_broker.send("zigbee2mqtt/thermo", body({"temperature": value}), qos=qos)
        self.turn()

    # ------------------------------------------------------------ the cloud

    def cloud_says(self, message: DownMessage) -> None:
        encoded, what = encode(message), "config" if isinstance(message, Config) else "ack"
        self.cloud_broker.send(
            down_topic(GATEWAY, what), encoded.payload, content_type=encoded.content_type
        )
        self.turn()

    def acknowledge(self, *seqs: int, lane: Lane = Lane.ALARM, epoch: str = "e1", **more: Any):
        """The cloud has these rows."""
        self.cloud_says(self.ack(lane, epoch, seqs=list(seqs), **more))

    def ack(self, lane: Lane, epoch: str = "e1", **more: Any) -> Ack:
        return Ack(journal=self.journal.id, lane=lane.value, cloud_epoch=epoch, **more)

    def answer_hello(self, epoch: str = "e1", **intervals: list[tuple[int, int]]) -> None:
        """One answer a lane, all at once."""
        for lane in Lane:
            answer = encode(
                self.ack(lane, epoch, intervals=intervals.get(lane.value, []), hello=True)
            )
            self.cloud_broker.send(
                down_topic(GATEWAY, "ack"), answer.payload, content_type=answer.content_type
            )
        self.turn()

    # ------------------------------------------------------------ what was said

    def rows(self, lane: Lane = Lane.ALARM) -> list[Any]:
        """Name, rep, cancels of the journal's rows."""
        return [
            (row.entry.name, row.entry.rep, row.entry.cancels)
            for row in self.journal.view.rows(lane)
        ]

    @property
    def told(self) -> list[tuple[str, str, int | None]]:
        """What was said in the home: key, home, number of the call."""
        said = [o for o in self.home_broker.said if o.topic == say_topic(GATEWAY)]
        words = (msgspec.json.decode(each.payload) for each in said)
        return [(w["key"], w["home"], w["alarm_seq"]) for w in words]

    @property
    def siren(self) -> tuple[bool, str | None]:
        """As it last was told."""
        said = [o for o in self.home_broker.said if o.topic == siren_topic(GATEWAY)]
        state = msgspec.json.decode(said[-1].payload)
        return state["on"], state["why"]

    def sent(self, lane: Lane) -> list[UpMessage]:
        """What the cloud's broker was given on a lane."""
        topic = up_topic(GATEWAY, lane)
        return [
            decode_up(out.payload, out.content_type)
            for out in self.cloud_broker.said
            if out.topic == topic
        ]

    def batches(self, lane: Lane) -> list[Batch]:
        return [each for each in self.sent(lane) if isinstance(each, Batch)]

    def hellos(self) -> list[Hello]:
        return [each for each in self.sent(Lane.HEALTH) if isinstance(each, Hello)]

    def sent_seqs(self, lane: Lane = Lane.ALARM) -> list[int]:
        """Numbers of the rows, as often as they were said."""
        return [row.seq for batch in self.batches(lane) for row in rows_of(batch)]


def rows_of(batch: Batch) -> list[Row]:
    return [row for device in batch.devices for row in device.rows]
