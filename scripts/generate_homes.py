"""Writes the eleventh and all further homes of config/demo/homes.yaml, by dice of a fixed seed.

python scripts/generate_homes.py; with --check it changes nothing and fails where the file is old.
The first ten homes are written by hand and stay as they are; the words stand in names.yaml.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import yaml

DEMO: Final = Path(__file__).resolve().parent.parent / "config" / "demo"
TARGET: Final = DEMO / "homes.yaml"
MARK: Final = "  # From here on: scripts/generate_homes.py. Do not edit.\n"
BY_HAND, HOMES, SEED = 10, 40, 7
PLANS: Final = ("sos_general", "sos_fall_risk", "sos_heart", "sos_no_talk")
AREA: Final = "440310002902"
# key, kind, room, end of its name, vendor, model, profile
KIT: Final = (
    ("bath", "sos-bath", "bathroom", "bathroom_sos", "Tuya", "TS0215A_sos", None),
    ("bed", "sos-bed", "bedroom", "bedside_sos", "MultIR", "MIR-SO100", "multir_mir_so100"),
    ("pendant", "pendant", "worn", "pendant_sos", "Loginovo", "ZG-101Z", None),
    ("motion", "motion", "living", "living_motion", "Aqara", "RTCGQ11LM", None),
    ("door", "door", "hall", "front_door", "Aqara", "MCCGQ11LM", None),
    ("climate", "climate", "living", "living_climate", "Aqara", "WSDCGQ11LM", None),
)
# What daily life is seen by; the ten homes have it as well.
LIFE: Final = (
    ("motion_bedroom", "motion", "bedroom", "bedroom_motion", "Aqara", "RTCGQ11LM", None),
    ("motion_bathroom", "motion", "bathroom", "bathroom_motion", "Aqara", "RTCGQ11LM", None),
    ("motion_kitchen", "motion", "kitchen", "kitchen_motion", "Aqara", "RTCGQ11LM", None),
    ("bed_radar", "bed", "bedroom", "bed_radar", "OWON", "FDS315", "owon_fds315"),
    ("kettle", "plug", "kitchen", "kettle_plug", "Tuya", "TS011F_with_threshold", None),
)
LIFE_FROM: Final = 0x11  # last byte of the address


def homes(words: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """In the shape that the file's head tells."""
    dice = Random(SEED)  # noqa: S311 - dice, no keys
    surnames = dice.sample(words["surnames"], len(words["surnames"]))
    for number in range(BY_HAND + 1, HOMES + 1):
        yield home(number, surnames[number - BY_HAND - 1], words, dice)


def home(number: int, surname: list[str], words: dict[str, Any], dice: Random) -> dict[str, Any]:
    """One household of one or two people."""
    block, unit = number % 12 + 1, dice.randrange(1, 4)
    flat = dice.randrange(2, 17) * 100 + number % 6 + 10  # no flat of the ten ends so
    residents = [
        resident(number, n, surname, words, dice) for n in range(1 + (dice.random() < 0.3))
    ]
    for one in residents:
        one["lives_alone"] = len(residents) == 1
    return {
        "id": f"ho-anhe{number}",
        "address": {
            "zh": f"\u5b89\u548c\u82d1 {block} \u680b {unit} \u5355\u5143 {flat}",
            "en": f"{flat}, Unit {unit}, Block {block}, Anheyuan",
        },
        "area": AREA,
        "lat": round(22.6588 + block % 4 * 0.0006 + dice.uniform(0, 0.0003), 5),
        "lon": round(114.3340 + block // 4 * 0.0006 + dice.uniform(0, 0.0003), 5),
        "call_plan": dice.choice(PLANS),
        "door_code": f"{dice.randrange(1000, 10000)}#",
        "entry_notes": dice.choice(words["entries"]),
        "residents": residents,
        "contacts": [contact(number, n, surname, words, dice) for n in (1, 2)],
        "devices": devices(number, f"{block}-{unit}-{flat}"),
    }


def resident(
    number: int, nth: int, surname: list[str], words: dict[str, Any], dice: Random
) -> dict[str, Any]:
    """An elder; the second one has a name of their own."""
    sex = dice.choice("fm")
    given = dice.choice(words["women" if sex == "f" else "men"])
    family = surname if nth == 0 else dice.choice(words["surnames"])
    return {
        "id": f"rs-anhe{number}{'ab'[nth]}",
        "name": family[0] + given[0],
        "name_en": f"{family[1]} {given[1]}",
        "age": dice.randrange(70, 93),
        "sex": sex,
        "lives_alone": True,
        "care_level": dice.randrange(1, 5),
        "conditions": dice.sample(words["conditions"], dice.randrange(1, 3)),
        "hazards": dice.sample(words["hazards"], dice.randrange(2)),
    }


def contact(
    number: int, order: int, surname: list[str], words: dict[str, Any], dice: Random
) -> dict[str, Any]:
    """Somebody of the family."""
    sex, zh, en = dice.choice(words["relations"])
    given = dice.choice(words["women" if sex == "f" else "men"])
    return {
        "order": order,
        "name": surname[0] + given[0],
        "name_en": f"{surname[1]} {given[1]}",
        "relation": zh,
        "relation_en": en,
        "phone": f"0755-0000 0{300 + 2 * number + order}",
        "has_key": dice.random() < 0.5,
    }


def devices(number: int, flat: str) -> list[dict[str, Any]]:
    """The kit; one home in two has a pendant."""
    kit = [(n, one) for n, one in enumerate(KIT, 1) if one[1] != "pendant" or number % 2]
    return [device(number, n, one, flat) for n, one in [*kit, *enumerate(LIFE, LIFE_FROM)]]


def device(number: int, nth: int, of: tuple[Any, ...], flat: str) -> dict[str, Any]:
    """One device. nth: last byte of its address."""
    key, kind, room, end, vendor, model, profile = of
    found = {
        "key": key,
        "kind": kind,
        "room": room,
        "ieee": f"0x00124b0014a0{number:02d}{nth:02x}",
        "friendly_name": f"{flat}/{end}",
        "vendor": vendor,
        "model": model,
    }
    return found | ({"profile": profile} if profile else {}) | {"is_sos": kind in SOS}


SOS: Final = ("sos-bath", "sos-bed", "pendant")


def lines(one: dict[str, Any]) -> Iterator[str]:
    """A home as YAML, one thing of a list a line; JSON's flow is YAML's."""
    lead = "  - "
    for key, value in one.items():
        if isinstance(value, list):
            yield f"{lead}{key}:"
            yield from (f"      - {json.dumps(each, ensure_ascii=False)}" for each in value)
        else:
            yield f"{lead}{key}: {json.dumps(value, ensure_ascii=False)}"
        lead = "    "


def text() -> str:
    """The bytes of the file."""
    words = yaml.safe_load((DEMO / "names.yaml").read_text("utf-8"))
    by_hand = TARGET.read_text("utf-8").partition(MARK)[0]
    return by_hand + MARK + "".join(f"{line}\n" for one in homes(words) for line in lines(one))


def main() -> None:
    """Write, or compare."""
    if "--check" in sys.argv[1:]:
        if TARGET.read_text("utf-8") != text():
            sys.exit(f"{TARGET.name} is not up to date: run python scripts/generate_homes.py")
        return
    TARGET.write_text(text(), "utf-8")


if __name__ == "__main__":
    main()
