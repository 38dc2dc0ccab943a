"""`anju demo --check`: the main job on an instance of its own, hop by hop; with messages of real
devices in the place of the press where a file is given."""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from anju.messages_file import Case, message_of, read_cases
from anju.output import progress, show
from anju.story import (
    Cast,
    FellShort,
    Script,
    alarm_of,
    enter,
    handle,
    known_alarms,
)
from anju.surroundings import config_for, is_for_calls, register
from anju.whole import Demo
from cloud.identity.policy import Role
from device_simulators.ears import Ears
from device_simulators.mqtt import Link, was_taken
from device_simulators.people import TooLong
from device_simulators.zigbee2mqtt import Message
from edge.meaning import DOUBLE_WITHIN_MS

HOMES: Final = 10  # as many as need no waiting for
HOME: Final = "ho-anhe01"
DEVICE: Final = "bath"
PRESSED: Final = b'{"action":"emergency","battery":96,"linkquality":112,"voltage":3000}'
ALARM_S: Final = 5.0
NO_ALARM_S: Final = 3.0
DECODE_S: Final = 5.0
CONTEXT_S: Final = 1.0  # for what came before to have its effects; within the window of doubles
KNOWN: Final = ("unknown", "unreadable", "journalled", "ignored", "redelivered")


def run(message_file: Path | None, args: argparse.Namespace) -> int:
    """0 where every hop held, 1 where one fell short. Raises CannotRun."""
    cases = read_cases(message_file) if message_file is not None else []
    script = Script()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="anju-check-") as folder:
        try:
            _play(script, cases, Path(folder), args.config)
        except FellShort as error:
            progress(f"fell short: {error}")
    total_ms = round((time.perf_counter() - start) * 1000, 1)
    hops = [{"name": h.name, "ms": h.ms, "ok": h.ok, "detail": h.detail} for h in script.hops]
    document = {"ok": script.is_ok, "total_ms": total_ms, "hops": hops}
    verdict = "every hop held" if script.is_ok else "a hop fell short"
    show(args, document, [f"{verdict}; {len(hops)} hops in {total_ms:.0f} ms"])
    return 0 if script.is_ok else 1


def _play(script: Script, cases: Sequence[Case], folder: Path, file: Path | None) -> None:
    config = config_for(cases, folder)
    demo = Demo(folder / "data", homes_max=HOMES, has_life=False, config=config, file=file)
    with script.hop("start") as hop:
        demo.start()
        hop.detail = f"{_servers(demo)}, {demo.whole.cloud.url}"
    try:
        ears = Ears(demo.town.plan.gateway, demo.whole.broker.host, demo.whole.broker.port)
        cast = enter_all(script, demo, ears)
        try:
            if cases:
                _play_all(script, cast, demo, cases, config)
            else:
                _press(script, cast, demo)
        finally:
            cast.leave()
    finally:
        demo.stop()


def _servers(demo: Demo) -> str:
    """What it stands on."""
    told = demo.whole.cloud.settings
    broker = "a broker with TLS" if told.broker.tls else str(demo.whole.broker.kind)
    series = "DuckDB" if told.timeseries.influx is None else "InfluxDB"
    return f"{broker}, {told.store.get_backend_name()}, {series}"


def enter_all(script: Script, demo: Demo, ears: Ears) -> Cast:
    """The first operator, and every responder. Raises FellShort."""
    operator, responders = demo.links_of(Role.OPERATOR)[0], demo.links_of(Role.RESPONDER)
    return enter(script, demo.whole.cloud.url, operator, responders, ears)


def _press(script: Script, cast: Cast, demo: Demo) -> None:
    """The resident of the first home presses the button in the bathroom."""
    device = demo.town.plan.home(HOME).device(DEVICE)
    topic = f"{demo.town.plan.base_topic}/{device.friendly_name}"
    hand = _Hand(demo)
    said, known = len(cast.ears.said), known_alarms(cast)
    try:
        with script.hop("press") as hop:
            hop.detail = hand.says(Message(topic, PRESSED))
        with script.hop("decode") as hop:
            hop.detail = str(cast.ears.hears("calling", HOME, said, DECODE_S)["zh"])
        with script.hop("alarm") as hop:
            alarm_id, alarm = alarm_of(cast, known, ALARM_S, HOME)
            hop.detail = f"{alarm['resident']['name']}, {alarm['home']['address']['zh']}"
        handle(script, cast, alarm_id, alarm, said)
    finally:
        hand.stop()


# ---------------------------------------------------------------- messages of a file


def _play_all(script: Script, cast: Cast, demo: Demo, cases: Sequence[Case], config: Path) -> None:
    """Each in turn, whatever became of the one before."""
    failed: list[str] = []
    spoke_at: dict[str, float] = {}  # device -> when, so that no case is a double of an earlier one
    for number, case in enumerate(cases, start=1):
        script.prefix = "" if len(cases) == 1 else f"{case.id or number}/"
        try:
            register(demo, number, case, config)
            _let_pass(spoke_at.get(case.device_topic))
            _play_case(script, cast, demo, case, is_sos=is_for_calls(case, config))
        except FellShort as error:
            failed.append(str(error))
        spoke_at[case.device_topic] = time.perf_counter()
    if failed:
        raise FellShort("; ".join(failed))


def _let_pass(spoke_at: float | None) -> None:
    """What one device says again within this time through another topic is the same press."""
    if spoke_at is not None:
        left_s = spoke_at + DOUBLE_WITHIN_MS / 1000 - time.perf_counter()
        time.sleep(max(0.0, left_s))  # noqa: TID251 - real time passes between real messages


def _play_case(script: Script, cast: Cast, demo: Demo, case: Case, *, is_sos: bool) -> None:
    hand = _Hand(demo)
    try:
        _say_context(hand, case)
        said, known = len(cast.ears.said), known_alarms(cast)
        before = {name: cast.ears.count(name) for name in KNOWN}
        with script.hop("press") as hop:
            if case.retain:
                _say_retained(demo, cast.ears, hand, message_of(case))
                before = dict.fromkeys(KNOWN, 0)  # a new agent counts from nothing
            else:
                hop.detail = hand.says(message_of(case))
        with script.hop("decode") as hop:
            hop.detail = _decoded(cast, before)
        if case.is_due or (is_sos and _is_unreadable(cast, before, case)):
            with script.hop("alarm") as hop:
                alarm_id, alarm = alarm_of(cast, known, ALARM_S)
                hop.detail = f"{alarm['kind']}: {alarm['say']['zh']}"
            handle(script, cast, alarm_id, alarm, said)
        else:
            with script.hop("no_alarm") as hop:
                _stays_quiet(cast, known)
                hop.detail = f"none within {NO_ALARM_S:g} s, as it should be"
    finally:
        if case.retain:
            hand.says(Message(case.topic, b"", 1, retain=True))
        hand.stop()


def _say_context(hand: "_Hand", case: Case) -> None:
    """In the order in which it came; an alarm of the context is not the message's."""
    for spoken in case.context:
        hand.says(message_of(spoken))
    if case.context:
        time.sleep(CONTEXT_S)  # noqa: TID251 - real time passes between real messages


def _say_retained(demo: Demo, ears: Ears, hand: "_Hand", message: Message) -> None:
    """As a bridge's old word reaches an agent that has just subscribed: with the retain flag."""
    demo.stop_agent()
    forget_session(demo)
    hand.says(message)
    ears.status = {}
    demo.start_agent()


def forget_session(demo: Demo) -> None:
    """The home broker forgets the agent, as after a change of its client id."""
    agent = Link(f"{demo.town.plan.gateway}-home")
    agent.start(demo.whole.broker.host, demo.whole.broker.port)
    agent.wait_until_up(DECODE_S)
    agent.stop()


def _decoded(cast: Cast, before: dict[str, int]) -> str:
    """What the agent made of the message. Raises TooLong, FellShort."""

    def find(ears: Ears) -> dict[str, int] | None:
        more = {name: ears.count(name) - before[name] for name in KNOWN}
        return more if any(each > 0 for each in more.values()) else None

    more = cast.ears.until(find, DECODE_S)
    if more["unknown"] > 0:
        topic = cast.ears.status.get("last_unknown_topic")
        raise FellShort(f"no dialect knows the topic {topic}")
    return ", ".join(f"{count} {name}" for name, count in more.items() if count > 0)


def _is_unreadable(cast: Cast, before: dict[str, int], case: Case) -> bool:
    """A device that people call for help with has said something that nobody can read."""
    is_unreadable = cast.ears.count("unreadable") > before["unreadable"]
    return is_unreadable and case.device is not None


def _stays_quiet(cast: Cast, known: dict[str, int]) -> None:
    try:
        _, alarm = alarm_of(cast, known, NO_ALARM_S)
    except TooLong:
        return
    raise FellShort(f"an alarm came that should not: {alarm['say']['zh']}")


class _Hand:
    """Publishes as a bridge does: QoS 1, and waits for the broker's PUBACK."""

    def __init__(self, demo: Demo) -> None:
        self._link = Link("check-bridge")
        self._link.start(demo.whole.broker.host, demo.whole.broker.port)
        if not self._link.wait_until_up(DECODE_S):
            raise FellShort("the home broker does not answer")

    def says(self, message: Message) -> str:
        """Returns when the broker has it. Raises FellShort."""
        if not was_taken(self._link.publish(message), DECODE_S):
            raise FellShort("the home broker did not acknowledge")
        return message.topic

    def stop(self) -> None:
        self._link.stop()
