"""A stand-in for the cloud, in memory: what the pages are told of alarms, offers, units and homes.

Only for tests of how pages look and behave in a given state. It decides nothing that matters; the
story of one press runs against the real demo (test_story.py).
"""

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml

DEMO: Final = Path(__file__).parents[2] / "config" / "demo"
Thing = dict[str, Any]
ACCEPT_WITHIN_MS: Final = 60_000
TARGETS: Final = {"claim_s": 30, "dispatch_s": 90, "arrive_s": 900}
SAID: Final = {
    "calling": ("您好，我在。正在通知值守中心。", "I am here. I am telling the centre."),
    "received": ("值守中心已经收到，马上有人和您说话。", "The centre has your call."),
    "operator": ("值守员在了，请慢慢说。", "An operator is with you. Take your time."),
    "coming": ("已经派人，正在路上，请等一等。", "Help is coming. Please wait."),
}
NO_GAS: Final = {"key": "gas", "kind": "gas", "ieee": "-", "is_sos": False}


class Refused(Exception):
    """The answer is an error: status, code, data."""

    def __init__(self, status: int, code: str, **data: Any) -> None:
        super().__init__(code)
        self.status, self.code, self.data = status, code, data


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def words(zh: str, en: str) -> Thing:
    return {"zh": zh, "en": en}


class Town:
    """Everything there is. `on_change` gets feed operations, `on_home` a home's id."""

    def __init__(self) -> None:
        homes = yaml.safe_load((DEMO / "homes.yaml").read_text("utf-8"))
        stations = yaml.safe_load((DEMO / "stations.yaml").read_text("utf-8"))["stations"]
        accounts = yaml.safe_load((DEMO / "accounts.yaml").read_text("utf-8"))["accounts"]
        self.rooms, self.kinds = homes["rooms"], homes["kinds"]
        self.plans = {plan["id"]: plan for plan in homes["call_plans"]}
        self.homes: dict[str, Thing] = {home["id"]: home for home in homes["homes"][:10]}
        self.stations: dict[str, Thing] = {one["id"]: one for one in stations}
        self.accounts = {one["login"]: self._account(one) for one in accounts}
        self.alarms: dict[str, Thing] = {}
        self.offers: dict[str, Thing] = {}
        self.history: dict[str, list[Thing]] = {}
        self.units = {r["id"]: self._unit(s, r) for s in stations for r in s["responders"]}
        self.lamps: dict[str, str] = {}
        self.said: dict[str, Thing] = {}
        self.logs: dict[str, list[Thing]] = {home: [] for home in self.homes}
        self.on_change: Callable[[list[Thing]], None] = lambda ops: None
        self.on_home: Callable[[str], None] = lambda home: None
        self._count = itertools.count(1)

    # What happens

    def press(
        self, home_id: str, key: str = "bath", *, age_ms: int = 0, waited_ms: int = 0
    ) -> Thing:
        """A resident presses. age_ms: how late it came in; waited_ms: how long ago that was."""
        home = self.homes[home_id]
        device = next(d for d in home["devices"] if d["key"] == key)
        at = now_ms() - waited_ms
        for alarm in self.alarms.values():
            if alarm["handling"] != "closed" and (alarm["home"] or {}).get("id") == home_id:
                alarm["presses"] += 1
                alarm["last_press_at_ms"] = at
                return self._told(alarm, "repeated")
        person = home["residents"][0]
        room = self.rooms[device["room"]]
        say = words(
            f"{person['name']}按了{room['zh']}的紧急按钮。",
            f"{person['name_en']} pressed the emergency button ({room['en']}).",
        )
        alarm = self._alarm("sos", "critical", say, at, age_ms)
        alarm |= {
            "home": self._home(home),
            "resident": self._resident(person),
            "device": self._device(device),
        }
        self._speak(home_id, "received")
        return self._told(
            alarm, "raised", data={"alarm": {k: alarm[k] for k in ("kind", "device")}}
        )

    def technical(self) -> Thing:
        """A message that nobody can read."""
        say = words("网关送来一条读不懂的紧急消息。", "An emergency message cannot be read.")
        alarm = self._alarm("technical", "high", say, now_ms(), 0)
        return self._told(alarm, "raised", data={"alarm": {"kind": "technical"}})

    def fine(self, home_id: str) -> None:
        """The resident takes the call back."""
        for alarm in self.alarms.values():
            if alarm["handling"] != "closed" and (alarm["home"] or {}).get("id") == home_id:
                alarm |= {"is_cancelled_by_resident": True, "condition": "cleared"}
                self._told(alarm, "cancelled")

    def claim(self, alarm_id: str, by: Thing) -> Thing:
        alarm = self._open(alarm_id)
        if alarm["claimed_by"] is not None and alarm["claimed_by"]["id"] != by["id"]:
            raise Refused(409, "claimed_by_other", by=alarm["claimed_by"], alarm=alarm)
        alarm |= {"handling": "claimed", "claimed_by": person_of(by), "claimed_at_ms": now_ms()}
        if alarm["home"] is not None:
            self._speak(alarm["home"]["id"], "operator")
        return self._told(alarm, "claimed", by)

    def release(self, alarm_id: str, by: Thing) -> Thing:
        alarm = self._mine(alarm_id, by)
        alarm |= {"handling": "unclaimed", "claimed_by": None, "claimed_at_ms": None}
        return self._told(alarm, "released", by)

    def note(self, alarm_id: str, by: Thing, text: str) -> Thing:
        return self._told(self._mine(alarm_id, by), "noted", by, {"text": text})

    def reveal(self, alarm_id: str, by: Thing) -> str:
        alarm = self._told(self._mine(alarm_id, by), "revealed", by)
        return str(self.homes[alarm["home"]["id"]]["door_code"])

    def close(self, alarm_id: str, by: Thing, closing: Thing) -> Thing:
        alarm = self._mine(alarm_id, by)
        alarm |= {
            "handling": "closed",
            "outcome": closing["outcome"],
            "sub_reason": closing.get("sub_reason"),
        }
        self.lamps[(alarm["home"] or {}).get("id", "")] = "off"
        return self._told(alarm, "closed", by, closing)

    def dispatch(self, alarm_id: str, by: Thing, station_id: str) -> Thing:
        alarm = self._mine(alarm_id, by)
        best = next(c for c in self.candidates(alarm_id) if c["station"]["id"] == station_id)
        at = now_ms()
        offer: Thing = {
            "id": f"of-{next(self._count)}",
            "alarm_id": alarm_id,
            "state": "offered",
            "rev": 0,
            "station": person_of(best["station"]),
            "responder": None,
            "offered_at_ms": at,
            "expires_at_ms": at + ACCEPT_WITHIN_MS,
            "accepted_at_ms": None,
            "departed_at_ms": None,
            "arrived_at_ms": None,
            "reported_at_ms": None,
            "distance_m": best["distance_m"],
            "travel_s": best["travel_s"],
            "rank": 1,
            "attempt": 1,
            "decline_reason": None,
            "report": None,
            "alarm": self._offered(alarm, None),
        }
        self.offers[offer["id"]] = offer
        alarm["handling"] = "offered"
        return self._step(offer, "offered", by)

    def take(self, offer_id: str, step: str, by: Thing, body: Thing) -> Thing:
        """A responder's step: accept, decline, depart, arrive, report."""
        offer = self.offers.get(offer_id)
        if (
            offer is None
            or offer["state"]
            not in {
                "accept": ("offered",),
                "decline": ("offered",),
                "depart": ("accepted",),
                "arrive": ("accepted", "departed"),
                "report": ("arrived",),
            }[step]
        ):
            raise Refused(409, "offer_gone", state=None if offer is None else offer["state"])
        state = {
            "accept": "accepted",
            "decline": "declined",
            "depart": "departed",
            "arrive": "arrived",
        }.get(step, "reported")
        offer |= {"state": state, f"{state}_at_ms": now_ms()}
        alarm = self.alarms[offer["alarm_id"]]
        unit = self.units[by["responder_id"]]
        if step == "accept":
            offer["responder"] = person_of(unit)
            self._speak(alarm["home"]["id"], "coming")
        alarm["handling"] = {"declined": "claimed", "departed": "accepted"}.get(state, state)
        code = (
            self.homes[alarm["home"]["id"]]["door_code"]
            if state in ("accepted", "departed")
            else None
        )
        offer["alarm"] = self._offered(alarm, code)
        offer["report"] = body if step == "report" else None
        unit["state"] = state if state in ("accepted", "departed", "arrived") else "free"
        unit["rev"] += 1
        self.on_change([op("units", unit)])
        event = "offer_ended" if step == "decline" else state
        data = {"report": body} if step == "report" else {"why": state, **body}
        return self._step(offer, event, by, data)

    # What is told

    def detail(self, alarm_id: str) -> Thing:
        alarm = self.alarms.get(alarm_id)
        if alarm is None:
            raise Refused(404, "not_found")
        home = None if alarm["home"] is None else self.homes[alarm["home"]["id"]]
        at = now_ms()
        return {
            "alarm": alarm,
            "history": self.history[alarm_id],
            "contacts": [] if home is None else home["contacts"],
            "resident": None if home is None else {**alarm["resident"], **_health(home)},
            "devices": []
            if home is None
            else [
                {
                    "uid": d["ieee"],
                    "name": self.kinds[d["kind"]],
                    "room": self.rooms[d["room"]],
                    "model": d["model"],
                    "battery": 91 - 9 * n,
                    "last_seen_ms": at - 4000 - n * 61_000 if n < 5 else None,
                }
                for n, d in enumerate(home["devices"])
            ],
            "call_plan": [] if home is None else self.plans[home["call_plan"]]["steps"],
            "offers": [o for o in self.offers.values() if o["alarm_id"] == alarm_id],
            "entry_notes": None if home is None else home["entry_notes"],
        }

    def candidates(self, alarm_id: str) -> list[Thing]:
        if self.alarms[alarm_id]["home"] is None:
            return []
        reasons = [
            [
                words("最近的服务站", "nearest station"),
                words("2 人空闲", "2 free"),
                words("有护士", "has a nurse"),
            ],
            [words("2 人空闲", "2 free"), words("有钥匙保管人", "keeps keys")],
        ]
        order = sorted(self.stations.values(), key=lambda s: str(s["id"]), reverse=True)
        return [
            {
                "station": self._station(s),
                "distance_m": 1180 + 2540 * n,
                "travel_s": 362 + 420 * n,
                "on_duty": 2,
                "free": 2 - n,
                "load": n,
                "recommended": n == 0,
                "reasons": reasons[n],
                "responder": person_of(s["responders"][0]),
            }
            for n, s in enumerate(order)
        ]

    def sim_home(self, home_id: str) -> Thing:
        home = self.homes.get(home_id)
        if home is None:
            raise Refused(404, "not_found")
        open_ = [
            a
            for a in self.alarms.values()
            if a["handling"] != "closed" and (a["home"] or {}).get("id") == home_id
        ]
        return {
            "home": self.sim_card(home),
            "gateway_online": True,
            "devices": [
                {
                    "key": d["key"],
                    "uid": d["ieee"],
                    "kind": d["kind"],
                    "name": self.kinds[d["kind"]],
                    "is_pressed": bool(open_) and d["key"] == "bath",
                    "supported": d["ieee"] != "-",
                }
                for d in (
                    *home["devices"],
                    *([] if any(d["kind"] == "gas" for d in home["devices"]) else [NO_GAS]),
                    {"key": "speaker", "kind": "speaker", "ieee": "-", "is_sos": False},
                )
                if d["kind"] != "climate"
            ],
            "said": self.said.get(home_id),
            "lamp": self.lamps.get(home_id, "off"),
            "log": self.logs[home_id],
        }

    def sim_card(self, home: Thing) -> Thing:
        person = home["residents"][0]
        return {
            "id": home["id"],
            "name": person["name"],
            "name_en": person["name_en"],
            "address": home["address"],
            "resident": {k: person[k] for k in ("name", "name_en", "age")},
        }

    def rows(self) -> list[Thing]:
        open_ = [op("alarms", a) for a in self.alarms.values() if a["handling"] != "closed"]
        live = [
            op("offers", o)
            for o in self.offers.values()
            if o["state"] in ("offered", "accepted", "departed", "arrived")
        ]
        return [
            {k: row[k] for k in ("coll", "id", "rev", "v")}
            for row in (*open_, *live, *(op("units", u) for u in self.units.values()))
        ]

    def station_list(self) -> list[Thing]:
        return [self._station(one) for one in self.stations.values()]

    # Parts

    def _alarm(self, kind: str, severity: str, say: Thing, at: int, age_ms: int) -> Thing:
        n = next(self._count)
        alarm: Thing = {
            "id": f"al-{n}",
            "no": f"261124-{n:04}",
            "kind": kind,
            "severity": severity,
            "condition": "active",
            "handling": "unclaimed",
            "rev": 0,
            "raised_at_ms": at,
            "pressed_at_ms": at - age_ms,
            "received_at_ms": at,
            "age_at_receipt_ms": age_ms,
            "is_late": age_ms > 60_000,
            "presses": 1,
            "last_press_at_ms": at,
            "is_cancelled_by_resident": False,
            "claimed_by": None,
            "claimed_at_ms": None,
            "escalation": None,
            "say": say,
            "home": None,
            "resident": None,
            "device": None,
            "gateway": "gw-demo01",
            "offer": None,
            "outcome": None,
            "sub_reason": None,
            "targets": TARGETS,
        }
        self.alarms[alarm["id"]] = alarm
        self.history[alarm["id"]] = []
        return alarm

    def _told(
        self, alarm: Thing, event: str, by: Thing | None = None, data: Thing | None = None
    ) -> Thing:
        alarm["rev"] += 1
        at = alarm["raised_at_ms"] if event == "raised" else now_ms()
        row = {
            "n": alarm["rev"],
            "at_ms": at,
            "type": event,
            "by": by and person_of(by),
            "data": data or {},
        }
        self.history[alarm["id"]].append(row)
        self.on_change([op("alarms", alarm)])
        if alarm["home"] is not None:
            self.on_home(alarm["home"]["id"])
        return alarm

    def _step(self, offer: Thing, event: str, by: Thing, data: Thing | None = None) -> Thing:
        offer["rev"] += 1
        alarm = self.alarms[offer["alarm_id"]]
        alarm["offer"] = {k: v for k, v in offer.items() if k != "alarm"}
        self.on_change([op("offers", offer)])
        ref = {"station": offer["station"], "responder": offer["responder"]}
        self._told(alarm, event, by, {"offer": ref, **(data or {})})
        return offer

    def _speak(self, home_id: str, lamp: str) -> None:
        zh, en = SAID[lamp]
        self.lamps[home_id] = lamp
        self.said[home_id] = {"key": lamp, "zh": zh, "en": en, "at_ms": now_ms()}
        if lamp == "received":
            press = words("卫生间按钮按下", "Bathroom button pressed")
            self.logs[home_id].insert(0, {"at_ms": now_ms(), **press, "tone": "alarm"})
        self.logs[home_id].insert(
            0, {"at_ms": now_ms(), "zh": f"屋内播报：{zh}", "en": f"Spoken: {en}", "tone": "plain"}
        )

    def _open(self, alarm_id: str) -> Thing:
        alarm = self.alarms.get(alarm_id)
        if alarm is None:
            raise Refused(404, "not_found")
        if alarm["handling"] == "closed":
            raise Refused(409, "illegal_step")
        return alarm

    def _mine(self, alarm_id: str, by: Thing) -> Thing:
        alarm = self._open(alarm_id)
        if (alarm["claimed_by"] or {}).get("id") != by["id"]:
            raise Refused(409, "not_yours")
        return alarm

    def _account(self, one: Thing) -> Thing:
        return {
            "id": f"ac-{one['login']}",
            "login": one["login"],
            "name": one["name"],
            "name_en": one["name_en"],
            "role": one["role"],
            "lang": "zh",
            "area_id": one["area"],
            "station_id": one.get("station"),
            "responder_id": one.get("responder"),
        }

    def _unit(self, station: Thing, one: Thing) -> Thing:
        place = {"lat": station["lat"], "lon": station["lon"]}
        return {
            **person_of(one),
            "station_id": station["id"],
            "on_duty": True,
            "state": "free",
            "rev": 1,
            **place,
        }

    def _station(self, one: Thing) -> Thing:
        name = {"name": one["name"]["zh"], "name_en": one["name"]["en"]}
        return {
            "id": one["id"],
            **name,
            "phone": one["phone"],
            "lat": one["lat"],
            "lon": one["lon"],
        }

    def _home(self, home: Thing) -> Thing:
        area = words("马峦街道 安和苑", "Anheyuan, Maluan")
        return {k: home[k] for k in ("id", "address", "lat", "lon")} | {
            "area": area,
            "kind": "simulated",
        }

    def _resident(self, one: Thing) -> Thing:
        sex = {"f": "female", "m": "male"}[one["sex"]]
        return {k: one[k] for k in ("id", "name", "name_en", "age", "lives_alone")} | {"sex": sex}

    def _device(self, one: Thing) -> Thing:
        return {
            "uid": f"z2m:{one['ieee']}",
            "name": self.kinds[one["kind"]],
            "room": self.rooms[one["room"]],
        }

    def _offered(self, alarm: Thing, code: str | None) -> Thing:
        home = self.homes[alarm["home"]["id"]]
        told = {
            k: alarm[k] for k in ("no", "kind", "severity", "say", "home", "resident", "device")
        }
        contacts = home["contacts"] if code else []
        return {
            **told,
            **_health(home),
            "entry_notes": home["entry_notes"],
            "door_code": code,
            "contacts": contacts,
        }


def op(coll: str, thing: Thing) -> Thing:
    return {"op": "put", "coll": coll, "id": thing["id"], "rev": thing["rev"], "v": thing}


def person_of(one: Thing) -> Thing:
    return {k: one[k] for k in ("id", "name", "name_en")}


def _health(home: Thing) -> Thing:
    return {k: home["residents"][0][k] for k in ("conditions", "hazards")}
