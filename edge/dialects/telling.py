"""What one message says of one device, gathered reading by reading: for all dialects. Pure."""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from contract.lanes import Quality
from contract.messages import RegisteredDevice
from contract.vocabulary import SPECS, Kind, Measurement
from edge.dialects.exposes import Features
from edge.dialects.profile import Profile, Profiles
from edge.meaning import Dated, Heard, Reading, Unreadable, Value, heard, quality_of

EMERGENCIES: Final = frozenset({"emergency", "panic", "sos"})  # whatever a device lists
PRESSES: Final = (frozenset(SPECS[Measurement.BUTTON].values) | {"pressed"}) - {"release"}
WORD_CHARS_MAX: Final = 64
READINGS_MAX: Final = 512  # of one message; no device has that much to say
Sent = tuple[str, bytes]  # topic, payload
# What a test button may raise; a call for help is never taken for a test.
TESTED: Final = {m for m, spec in SPECS.items() if spec.is_alarm and spec.kind is Kind.STATE}


class Device(msgspec.Struct, frozen=True):
    """A device behind the broker. is_known: the registry or its bridge names it."""

    uid: str
    is_known: bool = False
    is_sos: bool = False
    profile: Profile | None = None
    features: Features = {}

    @property
    def calls_by_press(self) -> bool:
        """A call button of which nothing says what its presses mean: each is a call."""
        return self.is_sos and (self.profile is None or not self.profile.names_a_call)


def registered_device(device: RegisteredDevice, profiles: Profiles) -> Device:
    """As the registry has it, with the profile that it names or that its model has."""
    named = profiles.named(device.profile)
    profile = named or profiles.of_model(device.vendor, device.model)
    return Device(device.id, is_known=True, is_sos=device.is_sos, profile=profile)


class Telling:
    """time_ms, dated_by: as in Reading; they may change from one part of a message to the next."""

    __slots__ = (
        "_convention", "_ignored", "_is_retained", "_readings", "_unreadable",
        "dated_by", "device", "is_test", "occurrence", "time_ms",
    )  # fmt: skip

    def __init__(self, convention: str, device: Device, *, is_retained: bool) -> None:
        self._convention, self._is_retained = convention, is_retained
        self._readings: list[Reading] = []
        self._ignored: list[str] = []
        self._unreadable: Unreadable | None = None
        self.device = device
        self.time_ms: int | None = None
        self.dated_by: Dated = "device"
        self.is_test = False
        self.occurrence: str | None = None

    def add(
        self,
        measurement: Measurement,
        value: Value,
        path: str,
        channel: str | None = None,
        *,
        is_test: bool = False,
    ) -> None:
        """One reading, in the vocabulary's unit and polarity."""
        if len(self._readings) == READINGS_MAX:
            self.ignore("too_many")
            return
        if (is_test or self.is_test) and measurement in TESTED:
            quality = Quality.TEST
        else:
            quality = quality_of(measurement, value)
        self._readings.append(
            Reading(
                device=self.device.uid,
                measurement=measurement,
                value=value,
                unit=SPECS[measurement].unit,
                path=path,
                channel=channel,
                quality=quality,
                time_ms=self.time_ms,
                time_quality="received" if self.time_ms is None else self.dated_by,
                retained=self._is_retained,
                occurrence=self.occurrence,
            )
        )

    def by_profile(self, field: str, raw: object, channel: str | None = None) -> bool:
        """Tells what the device's profile says of the field; False where it says nothing."""
        profile = self.device.profile
        meant = None if profile is None else profile.meaning_of(field, raw)
        if profile is None or meant is None:
            return False
        if not meant and field in profile.plain and profile.plain[field].calls:
            self.cannot_read(f"its field {field} cannot be understood")
        for measurement, value in meant.items():
            if measurement is Measurement.BUTTON:
                self.press(str(value), field, channel)
            else:
                self.add(measurement, value, field, channel)
        return True

    def gesture(self, word: str, press: str, path: str, channel: str | None = None) -> None:
        """Something pressed: as the profile says of the device's word or of ours, else as `press`.
        A profile that only names what the button is for makes each press that."""
        profile = self.device.profile
        plain = None if profile is None else profile.plain.get(path)
        if plain is not None and SPECS[plain.measurement].type == "bool":
            self.add(plain.measurement, True, path, channel)
        elif not (self.by_profile(path, word, channel) or self.by_profile(path, press, channel)):
            self.press(press, path, channel)

    def press(self, word: str, path: str, channel: str | None = None) -> None:
        """A call for help, else a button."""
        if word in EMERGENCIES or (self.device.calls_by_press and word in PRESSES):
            self.add(Measurement.SOS, True, path, channel)
        elif word and len(word) <= WORD_CHARS_MAX:
            self.add(Measurement.BUTTON, word, path, channel)

    def ignore(self, why: str) -> None:
        """A part that gives no reading; one word, for the counters."""
        self._ignored.append(why)

    def cannot_read(self, reason: str) -> None:
        """A part that should have given one."""
        self._ignored.append("unreadable")
        if self.device.is_known:
            self._unreadable = Unreadable(self.device.uid, reason)

    def heard(self) -> Heard:
        """All of it, sorted by the rules of meaning."""
        return heard(self._convention, self._readings, self._ignored, self._unreadable)


def unreadable(convention: str, device: Device, reason: str) -> Heard:
    """A message that gives nothing."""
    telling = Telling(convention, device, is_retained=False)
    telling.cannot_read(reason)
    return telling.heard()


def by_key(
    devices: Iterable[RegisteredDevice],
    key_of: Callable[[RegisteredDevice], str],
    profiles: Profiles,
) -> dict[str, Device]:
    """The registry's devices by what tells them apart in this convention."""
    keyed = ((key_of(device), device) for device in devices)
    return {key: registered_device(device, profiles) for key, device in keyed if key}
