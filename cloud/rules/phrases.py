"""The words of rules: what each phrase means in the vocabulary of the wire. A new phrase is a row
here, and its Chinese in config/words/rules.yaml."""

from typing import Final, NamedTuple

from contract.lanes import Quality
from contract.vocabulary import SPECS, Kind
from contract.vocabulary import Measurement as M


class Event(NamedTuple):
    """What happens at an instant. measurements: any of them; quality: of the reading."""

    measurements: tuple[M, ...]
    quality: Quality = Quality.OK


class State(NamedTuple):
    """What holds until the next word. value: which one means that it is so; ends: how a story says
    that it is no more; has_room: `bathroom occupied` asks the devices of one room."""

    measurement: M
    value: bool
    ends: str
    has_room: bool = False


CALLS: Final = tuple(m for m, spec in SPECS.items() if spec.is_alarm and m is not M.SOS_CANCEL)
EVENTS: Final = {
    "sos pressed": Event((M.SOS,)),
    "call taken back": Event((M.SOS_CANCEL,)),
    "fall detected": Event((M.FALL,)),
    "button pressed": Event((M.BUTTON,)),
    "device test passed": Event(CALLS, Quality.TEST),
}
STATES: Final = {
    "smoke present": State(M.SMOKE, True, "smoke gone"),
    "gas present": State(M.GAS, True, "gas gone"),
    "carbon monoxide present": State(M.CARBON_MONOXIDE, True, "carbon monoxide gone"),
    "fire heat present": State(M.HEAT_ALARM, True, "fire heat gone"),
    "water on the floor": State(M.WATER_LEAK, True, "floor dry"),
    "bed occupied": State(M.BED_OCCUPANCY, True, "bed empty"),
    "occupied": State(M.OCCUPANCY, True, "empty", has_room=True),
    "motion seen": State(M.MOTION, True, "motion over"),
    "front door open": State(M.OPENING, True, "front door closed"),
    "battery low": State(M.BATTERY_LOW, True, "battery good"),
    "device offline": State(M.ONLINE, False, "device online"),
}
NUMBERS: Final = {
    m.value.replace("_", " "): m for m, spec in SPECS.items() if spec.kind is Kind.SAMPLE
}
ABSENT: Final = (
    "activity",
    "movement",
    "reading of any device",
    "message of the gateway",
    "device test",
)
MODES: Final = (
    "home is away",
    "home is asleep",
    "home is unoccupied",
    "visitors present",
)
ROOMS: Final = ("bathroom", "bedroom", "kitchen", "living room", "hall", "balcony")
FRONT_DOOR: Final = "front door"
# Only the sensor of a room sees somebody walk; a door that moves may be the last of them leaving.
MOVEMENT: Final = frozenset({M.MOTION, M.OCCUPANCY, M.VIBRATION})
ACTIVITY_STATES: Final = MOVEMENT | {M.OPENING, M.BED_OCCUPANCY}
ACTIVITY_EVENTS: Final = frozenset({M.SOS, M.SOS_CANCEL, M.BUTTON})
ACTIVITY: Final = ACTIVITY_STATES | ACTIVITY_EVENTS


def measurements_of(absent: str) -> frozenset[M]:
    """Whose readings end this absence."""
    found: dict[str, frozenset[M]] = {
        "activity": ACTIVITY,
        "movement": MOVEMENT,
        "device test": frozenset(CALLS),
    }
    return found.get(absent, frozenset(M))


def known() -> list[str]:
    """Every phrase, for the nearest word."""
    numbers = [f"{name} above" for name in NUMBERS]
    rooms = [f"{room} occupied" for room in ROOMS]
    absent = [f"no {phrase} for" for phrase in ABSENT]
    return [*EVENTS, *STATES, *rooms, *MODES, *absent, *numbers]
