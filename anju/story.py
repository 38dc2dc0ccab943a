"""The main job, played by clients that know only what everybody may know: MQTT, HTTP, WebSocket.

Each hop is timed from the hop before; the first one that falls short ends the story.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from anju.output import progress
from device_simulators.ears import Ears
from device_simulators.errors import SimulatorError
from device_simulators.people import Feed, Person

HEARD_S: Final = 5.0
SEEN_S: Final = 5.0
OFFER_S: Final = 5.0
LOOK_S: Final = 0.002
REPORT: Final = {
    "found": "injured",
    "action": "helped_up",
    "handover": "family",
    "follow_up": "none",
}
TOLD: Final = ("raised", "claimed", "offered", "accepted", "departed", "arrived", "reported")


class FellShort(Exception):
    """A hop did not do what it is there for."""


@dataclass(slots=True)
class Hop:
    """One step of the way."""

    name: str
    ms: float = 0.0
    ok: bool = False
    detail: str = ""


@dataclass(slots=True)
class Script:
    """The hops so far, for one telling of the story."""

    prefix: str = ""
    hops: list[Hop] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        """Every hop held."""
        return all(hop.ok for hop in self.hops)

    @contextmanager
    def hop(self, name: str) -> Iterator[Hop]:
        """Times what is done inside. Raises FellShort for whatever goes wrong there."""
        hop = Hop(self.prefix + name)
        self.hops.append(hop)
        start = time.perf_counter()
        try:
            yield hop
            hop.ok = True
        except (SimulatorError, OSError, FellShort) as error:
            hop.detail = str(error)
            raise FellShort(f"{hop.name}: {error}") from error
        finally:
            hop.ms = round((time.perf_counter() - start) * 1000, 1)
            mark = "ok" if hop.ok else "FELL SHORT"
            progress(f"{hop.name:<22} {hop.ms:>9.1f} ms  {mark:<10} {hop.detail}")


@dataclass(slots=True)
class Cast:
    """Everybody who has a part, at their places."""

    operator: Person
    console: Feed
    responders: list[tuple[Person, Feed]]
    ears: Ears

    def leave(self) -> None:
        """Go home."""
        for person, feed in [(self.operator, self.console), *self.responders]:
            feed.close()
            person.leave()
        self.ears.close()


def enter(script: Script, url: str, operator_link: str, links: Sequence[str], ears: Ears) -> Cast:
    """The operator and the responders (links) sign in and follow the feed. Raises FellShort."""
    with script.hop("sign_in") as hop:
        operator = Person(url)
        account = operator.use_link(operator_link)
        operator.send("POST", "/api/shift", {"audio_ok": True})
        responders = []
        for link in links:
            person = Person(url)
            person.use_link(link)
            responders.append((person, person.follow()))
        hop.detail = f"{account['login']} and {len(responders)} responders"
        return Cast(operator, operator.follow(), responders, ears)


def alarm_of(
    cast: Cast, known: dict[str, int], within_s: float, home: str | None = None
) -> tuple[str, dict[str, Any]]:
    """The first alarm on the console that is new, or has one press more. known: id -> presses;
    home: of no other, where a broker may still hold what an earlier run has sent."""

    def find(things: dict[str, dict[str, Any]]) -> tuple[str, dict[str, Any]] | None:
        for alarm_id, alarm in things["alarms"].items():
            is_there = home is None or (alarm["home"] or {}).get("id") == home
            if is_there and alarm["presses"] > known.get(alarm_id, 0):
                return alarm_id, alarm
        return None

    return cast.console.until(find, within_s)


def known_alarms(cast: Cast) -> dict[str, int]:
    """What the console shows already: id -> presses."""
    return {key: alarm["presses"] for key, alarm in cast.console.things["alarms"].items()}


def handle(script: Script, cast: Cast, alarm_id: str, alarm: dict[str, Any], said: int) -> None:
    """From the alarm on the console to its end. said: how much the home had heard before the press.

    Raises FellShort.
    """
    home = alarm["home"]
    is_call = alarm["kind"] == "sos" and home is not None
    at_home = Home(cast.ears, home["id"], said) if is_call else None
    if at_home is not None:
        with script.hop("received") as hop:
            hop.detail = at_home.hears("received")
    with script.hop("claim") as hop:
        cast.operator.send("POST", f"/api/alarms/{alarm_id}/claim", {})
        if at_home is not None:
            hop.detail = at_home.hears("operator_with_you")
    if at_home is not None:
        send_help(script, cast, alarm_id, at_home)
    with script.hop("close") as hop:
        outcome = {"outcome": "true", "sub_reason": "fall"}
        if at_home is None:
            outcome = {"outcome": "technical", "sub_reason": "unregistered"}
        cast.operator.send("POST", f"/api/alarms/{alarm_id}/close", outcome)
        if at_home is not None:
            hop.detail = at_home.hears("closed")
        cast.console.until(lambda t: True if _is_over(t, alarm_id) else None, SEEN_S)
    with script.hop("history") as hop:
        _check_history(cast, alarm_id, is_call=at_home is not None, hop=hop)


@dataclass(slots=True)
class Home:
    """What one home hears from now on."""

    ears: Ears
    home_id: str
    said: int

    def hears(self, key: str) -> str:
        """The words, in Chinese as they are spoken there. Raises TooLong."""
        return str(self.ears.hears(key, self.home_id, self.said, HEARD_S)["zh"])


def send_help(script: Script, cast: Cast, alarm_id: str, home: Home) -> None:
    """Dispatch, and what the responder does. Raises FellShort."""
    with script.hop("dispatch") as hop:
        candidates = cast.operator.get(f"/api/alarms/{alarm_id}/candidates")["candidates"]
        offer = cast.operator.send("POST", f"/api/alarms/{alarm_id}/dispatch", {})["offer"]
        responder, _ = _who_sees(cast, offer["id"])
        hop.detail = f"{offer['station']['name']}, best of {len(candidates)}"
    with script.hop("accept") as hop:
        responder.send("POST", f"/api/offers/{offer['id']}/accept", {})
        hop.detail = home.hears("help_is_coming")
    with script.hop("arrive"):
        responder.send("POST", f"/api/offers/{offer['id']}/depart", {})
        responder.send("POST", f"/api/offers/{offer['id']}/arrive", {"override_reason": "no_gps"})
        _until_handling(cast, alarm_id, "arrived")
    with script.hop("report"):
        responder.send("POST", f"/api/offers/{offer['id']}/report", REPORT)
        _until_handling(cast, alarm_id, "reported")


def _who_sees(cast: Cast, offer_id: str) -> tuple[Person, Feed]:
    """The responder on whose page the offer is; all look at once. Raises FellShort."""
    until = time.perf_counter() + OFFER_S
    while time.perf_counter() < until:
        for person, feed in cast.responders:
            if offer_id in feed.things["offers"]:
                return person, feed
        time.sleep(LOOK_S)  # noqa: TID251 - several feeds at once, on real time
    raise FellShort("the offer was on no responder's page")


def _until_handling(cast: Cast, alarm_id: str, handling: str) -> None:
    def find(things: dict[str, dict[str, Any]]) -> bool | None:
        alarm = things["alarms"].get(alarm_id, {})
        return True if alarm.get("handling") == handling else None

    cast.console.until(find, SEEN_S)


def _is_over(things: dict[str, dict[str, Any]], alarm_id: str) -> bool:
    alarm = things["alarms"].get(alarm_id)
    return alarm is None or alarm["handling"] == "closed"


def _check_history(cast: Cast, alarm_id: str, *, is_call: bool, hop: Hop) -> None:
    detail = cast.operator.get(f"/api/alarms/{alarm_id}")
    types = [event["type"] for event in detail["history"]]
    wanted = (*TOLD, "closed") if is_call else ("raised", "claimed", "closed")
    missing = [each for each in wanted if types.count(each) != 1]
    if missing:
        raise FellShort(f"not exactly once in the history {types}: {', '.join(missing)}")
    hop.detail = f"{len(types)} events, each once"
