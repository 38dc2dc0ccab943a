"""One message through the agent's own hearing and intake, and whether what came of it is right."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from typing_extensions import override

from anju.errors import CannotRun
from anju.messages_file import Case, Device, Expected, Spoken, bytes_of, fields_of
from contract.messages import RegisteredDevice
from edge.dialects import Hearing
from edge.dialects.catalogue import Catalogue
from edge.dialects.profile import Profile, Profiles
from edge.dialects.values import instant_ms
from edge.errors import BadSettings
from edge.health import Health
from edge.intake import Intake
from edge.journal.model import Row, Taken
from edge.link import Arrived
from edge.meaning import NOT_KNOWN, Heard, Reading
from edge.profiles import CATALOGUE, FOLDER, load_catalogue, load_profiles, made_profile
from edge.residents import Residents

SAFETY: Final = frozenset({"sos", "fall", "smoke", "water_leak", "opening"})
RELATIVE_TOLERANCE: Final = 1e-6
TIME_TOLERANCE_MS: Final = 1_000
NOW_MS: Final = 1_000_000_000  # on the monotonic clock; what came before lies that much earlier


class Judged(NamedTuple):
    """why: what is wrong with it; nothing where it passed."""

    case: Case
    why: tuple[str, ...]
    is_forbidden: bool = False
    is_exception: bool = False
    is_unknown: bool = False


class _Listening(Hearing):
    """Remembers what it heard last: the intake passes on only what the journal keeps."""

    last: Heard = NOT_KNOWN

    @override
    def hear(self, topic: str, payload: bytes, retain: bool) -> Heard:
        self.last = NOT_KNOWN
        self.last = super().hear(topic, payload, retain)
        return self.last


class Gateway:
    """The way of a message in an agent, up to the journal."""

    def __init__(self, case: Case, profiles: Profiles, catalogue: Catalogue) -> None:
        own, device = _registered(case)
        self.hearing = _Listening(Profiles([*profiles, *own]), catalogue)
        self._rows: dict[int, Row] = {}
        self._intake = Intake(
            self.hearing, Residents(), Health(), lambda _lane, seq: self._rows.get(seq)
        )
        self._intake.configure(device, 0)

    def takes(self, said: Case | Spoken, age_s: float) -> list[Reading]:
        """What is new in it: events that did not happen are told, repeated ones are not."""
        at_ms = NOW_MS - int(age_s * 1000)
        message = Arrived(None, said.topic, bytes_of(said), said.retain)
        read = self._intake.read(message, Taken("check", at_ms, at_ms, True))
        quiet = self.hearing.last.quiet
        told = [each for each in quiet if each.value is False and not each.retained]
        for entry, reading in read.entries:
            related = self._intake.related(entry, reading)
            row = Row(len(self._rows) + 1, related)
            self._rows[row.seq] = row
            self._intake.numbered(row, reading)
            if reading is not None and related.rep is None:
                told.append(reading)
        return told


def judge(cases: Sequence[Case], config: Path) -> list[Judged]:
    """Each case on an agent of its own, with our profiles. Raises BadSettings."""
    profiles = load_profiles(config / FOLDER)
    catalogue = load_catalogue(config / CATALOGUE)
    return [_judged(case, profiles, catalogue) for case in cases]


def _judged(case: Case, profiles: Profiles, catalogue: Catalogue) -> Judged:
    try:
        gateway = Gateway(case, profiles, catalogue)
        for spoken in case.context:
            gateway.takes(spoken, spoken.age_s)
        said = gateway.takes(case, 0)
    except CannotRun:
        raise
    except BadSettings as error:
        return Judged(case, (f"its profile cannot be read: {error}",))
    except Exception as error:  # noqa: BLE001 - what leaves the decoder is what is counted here
        return Judged(case, (f"{type(error).__name__}: {error}",), is_exception=True)
    is_unknown = gateway.hearing.last.convention is None
    forbidden = list(_forbidden(case, said))
    why = [*_missing(case, said), *forbidden, *_contradicted(case, said), *_misdated(case, said)]
    if why and is_unknown:
        why.append("no dialect knows the topic")
    return Judged(case, tuple(why), bool(forbidden), False, is_unknown)


def _registered(case: Case) -> tuple[list[Profile], list[RegisteredDevice]]:
    device: Device | None = case.device
    if device is None:
        return [], []
    own = device.profile if isinstance(device.profile, dict) else None
    name = "check" if own is not None else device.profile
    model = device.model or "check"
    profiles = [] if own is None else [made_profile("check", device.vendor, model, fields_of(own))]
    registered = RegisteredDevice(
        "check", "ho-check", case.device_topic, False, device.vendor, device.model, name
    )
    return profiles, [registered]


# ---------------------------------------------------------------- the rules of FORMAT


def _missing(case: Case, said: Sequence[Reading]) -> Iterable[str]:
    for wanted in case.expect:
        if not any(_is(reading, wanted) for reading in said):
            got = [f"{r.value!r} {r.unit or ''} {r.channel or ''}".strip() for r in said
                   if r.measurement.value == wanted.measurement]  # fmt: skip
            yield f"{wanted.measurement} should be {wanted.value!r}, got {', '.join(got) or 'none'}"


def _forbidden(case: Case, said: Sequence[Reading]) -> Iterable[str]:
    for reading in said:
        name = reading.measurement.value
        if name in case.forbid and reading.value is not False:
            yield f"{name} {reading.value!r} is forbidden"
        elif any(_is(reading, rejected) for rejected in case.reject_values):
            yield f"{name} {reading.value!r} is rejected"


def _contradicted(case: Case, said: Sequence[Reading]) -> Iterable[str]:
    """A safety measurement with another value than the one that is expected of it."""
    expected = [*case.expect, *case.may]
    for reading in said:
        name = reading.measurement.value
        about = [wanted for wanted in expected if wanted.measurement == name and name in SAFETY]
        if about and not any(_is(reading, wanted) for wanted in about):
            yield f"{name} {reading.value!r} is not what it says"


def _misdated(case: Case, said: Sequence[Reading]) -> Iterable[str]:
    at_ms = instant_ms(case.expect_time)
    if at_ms is None:
        return
    for reading in said:
        if not any(_is(reading, wanted) for wanted in case.expect):
            continue
        if reading.time_ms is None or abs(reading.time_ms - at_ms) > TIME_TOLERANCE_MS:
            yield f"{reading.measurement.value} is dated {reading.time_ms}, not {at_ms}"


def _is(reading: Reading, wanted: Expected) -> bool:
    places = [
        str(each) for each in (wanted.channel, wanted.sensor, wanted.zone) if each is not None
    ]
    return (
        reading.measurement.value == wanted.measurement
        and _is_value(reading.value, wanted)
        and (wanted.unit is None or reading.unit == wanted.unit)
        and (not places or reading.channel in places)
    )


def _is_value(value: object, wanted: Expected) -> bool:
    goal = wanted.value
    if isinstance(goal, bool | str) or isinstance(value, bool | str):
        return type(value) is type(goal) and value == goal
    if not isinstance(goal, int | float) or not isinstance(value, int | float):
        return False
    allowed = abs(goal) * RELATIVE_TOLERANCE if wanted.tolerance is None else wanted.tolerance
    return abs(value - goal) <= allowed
