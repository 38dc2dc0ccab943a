"""Every model of the catalogue, and everything that the simulated town says, is understood."""

from typing import Any

import msgspec
import pytest

from contract.messages import RegisteredDevice
from contract.vocabulary import Measurement
from device_simulators.models import MODELS
from device_simulators.plan import read_plan
from device_simulators.zigbee2mqtt import announcement, initial_state, spoken
from edge.dialects import Hearing
from edge.dialects.catalogue import Catalogue, CatalogueFile
from edge.dialects.exposes import Feature
from edge.dialects.telling import EMERGENCIES
from edge.profiles import load_hearing
from tests.edge.dialects.bridge import CONFIG, body, listed, meant, quiet, registered

FILE = msgspec.json.decode((CONFIG / "zigbee_models.json").read_bytes(), type=CatalogueFile)
MODELS_OF_ALL = [(vendor, model) for vendor, of in FILE.models.items() for model in of]
WHOLE = Catalogue(
    FILE.properties,
    [(vendor, model, keys) for vendor, of in FILE.models.items() for model, keys in of.items()],
)
NOT_OURS = {"noise", "sound", "tilt"}  # true and false of them is no measurement of ours
PLAN = read_plan(CONFIG / "demo" / "homes.yaml")


def load() -> Hearing:
    return Hearing(catalogue=WHOLE)


def features(vendor: str, model: str) -> list[Feature]:
    return [FILE.properties[key] for key in FILE.models[vendor][model].split()]


def states(device_features: list[Feature]) -> list[dict[str, Any]]:
    """The model's fields, once with all that is there and once with nothing."""
    numbers = {f.property: 21 for f in device_features if f.type == "numeric"}
    binary = [f for f in device_features if f.type == "binary"]
    enums = [f for f in device_features if f.type == "enum" and f.property != "action"]
    return [
        numbers
        | {f.property: f.value_on if is_on else f.value_off for f in binary}
        | {f.property: f.values[0 if is_on else -1] for f in enums}
        for is_on in (True, False)
    ]


@pytest.mark.parametrize("vendor", sorted(FILE.models))
def test_a_model_means_the_same_by_the_catalogue_and_by_its_bridge(vendor):
    for model in FILE.models[vendor]:
        of_model = features(vendor, model)
        offline, live = load(), Hearing()
        offline.configure([registered("zigbee2mqtt/thing", vendor=vendor, model=model)])
        exposes = [msgspec.to_builtins(feature) for feature in of_model]
        live.hear("zigbee2mqtt/bridge/devices", listed("thing", *exposes), True)

        for state in states(of_model):
            by_catalogue, by_bridge = (
                hearing.hear("zigbee2mqtt/thing", body(state), False) for hearing in (offline, live)
            )
            assert meant(by_catalogue) == meant(by_bridge), (model, state)
            assert by_bridge.unreadable is None


def test_true_is_what_every_model_calls_the_thing_that_is_there():
    for vendor, model in MODELS_OF_ALL:
        for feature in features(vendor, model):
            if feature.type != "binary" or feature.property in NOT_OURS:
                continue
            hearing = load()
            hearing.configure([registered("zigbee2mqtt/thing", vendor=vendor, model=model)])

            on, off = (
                hearing.hear("zigbee2mqtt/thing", body({feature.property: value}), False)
                for value in (feature.value_on, feature.value_off)
            )

            assert set(meant(on).values()) == {True}, (model, feature)
            assert set((meant(off) | quiet(off)).values()) == {False}, (model, feature)


def test_every_word_for_an_emergency_of_every_model_calls():
    calling = 0
    for vendor, model in MODELS_OF_ALL:
        for feature in features(vendor, model):
            if feature.property != "action":
                continue
            for word in map(str, feature.values):
                heard = load().hear("zigbee2mqtt/thing", body({"action": word}), False)
                assert (Measurement.SOS.value in meant(heard)) is (word in EMERGENCIES)
                calling += word in EMERGENCIES

    assert calling >= 25


def town() -> Hearing:
    hearing = load_hearing(CONFIG)
    hearing.configure(
        [
            RegisteredDevice(
                id=device.uid,
                home=home.id,
                topic=f"{PLAN.base_topic}/{device.friendly_name}",
                is_sos=device.is_sos,
                vendor=device.vendor,
                model=device.model,
                profile=device.profile,
            )
            for home in PLAN.homes
            for device in home.devices
        ]
    )
    return hearing


def test_all_that_the_simulated_bridge_says_at_its_start_is_read_and_calls_nobody():
    hearing = town()
    said = announcement(PLAN, {device.ieee: initial_state(device) for device in PLAN.devices()})

    heard = [hearing.hear(message.topic, message.payload, message.retain) for message in said]

    assert all(each.unreadable is None for each in heard)
    measurements = {reading.measurement for each in heard for reading in each.readings}
    assert measurements.isdisjoint({Measurement.SOS, Measurement.FALL, Measurement.SOS_CANCEL})
    assert {Measurement.ONLINE, Measurement.OPENING, Measurement.BATTERY} <= measurements


@pytest.mark.parametrize("legacy", [False, True])
def test_every_gesture_of_the_simulated_town_is_the_call_it_is_meant_to_be(legacy):
    hearing = town()
    pressed = 0
    for device in PLAN.devices():
        model = MODELS[device.model]
        gestures = [(model.press, "sos"), (model.cancel, "sos_cancel")] if device.is_sos else []
        for fields, name in gestures:
            if fields is None:
                continue
            _, messages = spoken(
                PLAN.base_topic, device, initial_state(device), fields, legacy=legacy
            )
            heard = [hearing.hear(message.topic, message.payload, False) for message in messages]

            assert meant(heard[0])[name] is True
            assert {r.device for each in heard for r in each.readings} == {device.uid}
            assert name not in meant(heard[1]) if len(heard) > 1 else True
            pressed += 1

    assert pressed >= 20
