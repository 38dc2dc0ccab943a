"""Who acts in the simulation: residents who press, sensors that measure, operators, responders.

The ledger is what the home broker acknowledged: exactly that must arrive.
"""

from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any, Final

import msgspec

from cloud.alarms import commands as c
from cloud.alarms import service as alarms
from cloud.alarms import store as alarm_store
from cloud.alarms.errors import CareError
from cloud.alarms.model import Alarm, Person
from cloud.dispatch import store as offer_store
from cloud.dispatch.model import Crew, Offer
from cloud.registry.seed import read_demo
from cloud.storage.errors import Unavailable
from cloud.storage.unit import Work
from tests.simulation.broker import Message
from tests.simulation.cell import CONFIG, POISON
from tests.simulation.world import CLOUD, World

LIN, HE = Person("ac-lin", "林晓岚", "Lin Xiaolan"), Person("ac-he", "何文静", "He Wenjing")
TOWN: Final = read_demo(CONFIG).community
_CARDS: Final = [
    TOWN.device_card(home.id, device) for home in TOWN.homes for device in home.devices
]
BUTTONS: Final = tuple(card for card in _CARDS if card.model == "TS0215A_sos")
TALKING: Final = tuple(card for card in _CARDS if card.model == "MIR-SO100")
CLIMATES: Final = tuple(card for card in _CARDS if card.model == "WSDCGQ11LM")
REPORT: Final = {
    "found": "conscious_ok", "action": "reassured", "handover": "stays_home", "follow_up": "none",
}  # fmt: skip


class People:
    """Each act draws what it does, and says it for the trace."""

    def __init__(self, world: World, *, alike: bool) -> None:
        """alike: presses of one device have the same bytes, as a device's presses have; else each
        has its own, which a broker that counts packet ids anew needs (docs/decisions/0003)."""
        self.pressed: Counter[str] = Counter()  # by device: acknowledged
        self.forgiven: Counter[str] = Counter()  # of these: lost with the home broker, perhaps
        self.measured: Counter[str] = Counter()  # by value: each reading has its own
        self.forgiven_values: set[str] = set()
        self._world, self._random, self._alike = world, world.random, alike
        self._numbers = count(1)

    # ------------------------------------------------------------ the home

    def press(self) -> str:
        """A resident calls, now and then twice at once."""
        device = self._random.choice(BUTTONS if self._random.random() < 0.7 else TALKING)
        action = "emergency" if device in BUTTONS else "single"
        for _ in range(self._random.choice((1, 1, 1, 2))):
            link = 100 if self._alike else next(self._numbers)
            if self._publish(device.topic, {"action": action, "linkquality": link}):
                self.pressed[device.uid] += 1
        return device.uid

    def take_back(self) -> str:
        """A resident says that all is well."""
        device = self._random.choice(TALKING)
        link = next(self._numbers)
        self._publish(device.topic, {"action": "hold", "linkquality": link})
        return device.uid

    def measure(self) -> str:
        """A sensor speaks; now and then something over which the cloud breaks."""
        device = self._random.choice(CLIMATES)
        least = POISON if self._random.random() < 0.05 else 5
        value = least + next(self._numbers) / 100
        if self._publish(device.topic, {"temperature": value}):
            self.measured[str(value)] += 1
        return str(value)

    def forgive(self, lost: list[Message]) -> None:
        """A killed home broker may forget what it acknowledged (TRUST.md, section 1)."""
        by_topic = {card.topic: card.uid for card in (*BUTTONS, *TALKING)}
        for message in lost:
            if message.topic in by_topic and b'"hold"' not in message.payload:
                self.forgiven[by_topic[message.topic]] += 1
            elif b"temperature" in message.payload:
                self.forgiven_values.add(str(msgspec.json.decode(message.payload)["temperature"]))

    def _publish(self, topic: str, fields: dict[str, Any]) -> bool:
        broker = self._world.home_broker
        return broker.is_up and broker.publish(Message(topic, msgspec.json.encode(fields)))

    # ------------------------------------------------------------ the control room and stations

    def operate(self) -> str:
        """An operator does something with an open alarm."""
        return self._ask(self._operate)

    def respond(self) -> str:
        """A station or responder does something with an open offer."""
        return self._ask(self._respond)

    def _ask(self, do: Callable[[Work], str]) -> str:
        store = self._world.cell.store
        if store is None:
            return "the pages do not answer"
        try:
            return str(self._world.guarded(CLOUD, lambda: store.write(do)))
        except (CareError, Unavailable) as error:
            return type(error).__name__

    def _operate(self, work: Work) -> str:
        found = alarm_store.open_alarms(work)
        if not found:
            return "quiet"
        alarm, who = self._random.choice(found), self._random.choice((LIN, HE))
        owner = alarm.claimed_by
        if owner is None:
            alarms.handle(work, alarm.id, c.Claim(who))
            return f"claims {alarm.no}"
        return self._go_on(work, alarm, owner)

    def _go_on(self, work: Work, alarm: Alarm, owner: Person) -> str:
        dice = self._random.random()
        if dice < 0.4:
            self._world.cell.dispatch.dispatch(work, alarm.id, owner)
            return f"dispatches {alarm.no}"
        if dice < 0.55:
            alarms.handle(work, alarm.id, c.Release(owner))
            return f"releases {alarm.no}"
        alarms.handle(work, alarm.id, c.Close(owner, "true", None, None, None))
        return f"closes {alarm.no}"

    def _respond(self, work: Work) -> str:
        found = offer_store.open_offers(work)
        if not found:
            return "quiet"
        offer = self._random.choice(found)
        desk, crew = self._world.cell.dispatch, Crew(offer.station_id, offer.responder_id)
        if self._random.random() < 0.2:
            desk.decline(work, offer.id, crew, "busy")
            return f"declines {offer.attempt}"
        return self._proceed(work, offer, crew)

    def _proceed(self, work: Work, offer: Offer, crew: Crew) -> str:
        desk = self._world.cell.dispatch
        match offer.state:
            case "offered":
                desk.accept(work, offer.id, crew)
            case "accepted":
                desk.depart(work, offer.id, crew)
            case "departed":
                desk.arrive(work, offer.id, crew)
            case _:
                desk.report(work, offer.id, crew, REPORT)
        return f"goes on from {offer.state}"
