"""The words of rules: what each phrase means in the vocabulary of the wire. A new phrase is a row
here, and its Chinese in config/words/rules.yaml."""

from typing import Final, NamedTuple

from contract.lanes import Quality
from contract.vocabulary import SPECS, Kind, Measurement


class Event(NamedTuple):
    """What happens at an instant. measurements: any of them; quality: of the reading."""

    measurements: tuple[Measurement, ...]
    quality: Quality = Quality.OK


class State(NamedTuple):
    """What holds until the next word. value: which one means that it is so; ends: how a story says
    that it is no more; has_room: `bathroom occupied` asks the devices of one room."""

    measurement: Measurement
    value: bool
    ends: str
    has_room: bool = False


CALLS: Final = tuple(
    m for m, spec in SPECS.items() if spec.is_alarm and m is not Measurement.SOS_CANCEL
)
EVENTS: Final = {
    "sos pressed": Event((Measurement.SOS,)),
    "call taken back": Event((Measurement.SOS_CANCEL,)),
    "fall detected": Event((Measurement.FALL,)),
    "button pressed": Event((Measurement.BUTTON,)),
    "device test passed": Event(CALLS, Quality.TEST),
}
STATES: Final = {
    "smoke present": State(Measurement.SMOKE, True, "smoke gone"),
    "gas present": State(Measurement.GAS, True, "gas gone"),
    "carbon monoxide present": State(Measurement.CARBON_MONOXIDE, True, "carbon monoxide gone"),
    "fire heat present": State(Measurement.HEAT_ALARM, True, "fire heat gone"),
    "water on the floor": State(Measurement.WATER_LEAK, True, "floor dry"),
    "bed occupied": State(Measurement.BED_OCCUPANCY, True, "bed empty"),
    "occupied": State(Measurement.OCCUPANCY, True, "empty", has_room=True),
    "motion seen": State(Measurement.MOTION, True, "motion over"),
    "front door open": State(Measurement.OPENING, True, "front door closed"),
    "battery low": State(Measurement.BATTERY_LOW, True, "battery good"),
    "device offline": State(Measurement.ONLINE, False, "device online"),
}
NUMBERS: Final = {
    m.value.replace("_", " "): m for m, spec in SPECS.items() if spec.kind is Kind.SAMPLE
}
OF_GATEWAY: Final = "message of the gateway"
ABSENT: Final = (
    "activity",
    "movement",
    "reading of any device",
    OF_GATEWAY,
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
MOVEMENT: Final = frozenset({Measurement.MOTION, Measurement.OCCUPANCY, Measurement.VIBRATION})
ACTIVITY_STATES: Final = MOVEMENT | {Measurement.OPENING, Measurement.BED_OCCUPANCY}
ACTIVITY_EVENTS: Final = frozenset({Measurement.SOS, Measurement.SOS_CANCEL, Measurement.BUTTON})
ACTIVITY: Final = ACTIVITY_STATES | ACTIVITY_EVENTS


def measurements_of(absent: str) -> frozenset[Measurement]:
    """Whose readings end this absence."""
    found: dict[str, frozenset[Measurement]] = {
        "activity": ACTIVITY,
        "movement": MOVEMENT,
        "device test": frozenset(CALLS),
    }
    return found.get(absent, frozenset(Measurement))


def known() -> list[str]:
    """Every phrase, for the nearest word."""
    numbers = [f"{name} above" for name in NUMBERS]
    rooms = [f"{room} occupied" for room in ROOMS]
    absent = [f"no {phrase} for" for phrase in ABSENT]
    return [*EVENTS, *STATES, *rooms, *MODES, *absent, *numbers]
