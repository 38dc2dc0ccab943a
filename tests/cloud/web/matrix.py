"""The matrix: for each route who may use it, and how it is asked about a thing of one side.

Roles are written out here and not taken from the policy, so that a change of the policy shows.
"""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from cloud.dispatch.model import REPORT_WORDS
from cloud.identity.policy import Role
from tests.cloud.web.sides import OWN, Caller, Side, World

R = Role
EVERYBODY: Final = frozenset(Role)
OPERATOR: Final = frozenset({R.OPERATOR})
CREW: Final = frozenset({R.STATION, R.RESPONDER})
ADMIN: Final = frozenset({R.ADMINISTRATOR})
OFFICE: Final = frozenset({R.ADMINISTRATOR, R.AUDITOR})
CALLS: Final = frozenset({R.SUPERVISOR, R.ADMINISTRATOR})
CONSENTS: Final = frozenset({R.OPERATOR, R.ADMINISTRATOR})
REGISTRY: Final = frozenset({R.OPERATOR, R.SUPERVISOR, R.ADMINISTRATOR})
WORDS: Final = {"zh": "-", "en": "-"}
REPORT: Final = {name: words[0] for name, words in REPORT_WORDS.items()}


class Ask(NamedTuple):
    """What fills the path, and the body."""

    path: Mapping[str, str] = MappingProxyType({})
    body: Any = None
    query: str = ""


class Row(NamedTuple):
    """thing: named in the path or body, so a foreign one is refused; list: a foreign one is not in
    it; own: of the caller, whatever the area. mark: what shows in a list."""

    roles: Collection[Role]
    ask: Callable[[World, Side, Caller], Ask] = lambda _world, _side, _who: Ask()
    kind: Literal["thing", "list", "own"] = "thing"
    mark: Callable[[World, Side], str] = lambda _world, _side: ""


def alarm(body: Any = None, *, is_claimed: bool = True) -> Callable[[World, Side, Caller], Ask]:
    def ask(world: World, side: Side, who: Caller) -> Ask:
        # Of the own side the caller has claimed it; of the other one, somebody there.
        theirs = who.account if side is OWN else world.people[R.OPERATOR, side.key]
        claimed_by = theirs if is_claimed and who.account.role is R.OPERATOR else None
        return Ask({"alarm_id": world.alarm(side, claimed_by)}, body)

    return ask


def offer(*steps: str, body: Any = None) -> Callable[[World, Side, Caller], Ask]:
    return lambda world, side, _who: Ask({"offer_id": world.offer(side, *steps)}, body)


def account(world: World, side: Side, _who: Caller) -> Ask:
    return Ask({"account_id": world.account(side).id})


def new_account(world: World, side: Side, _who: Caller) -> Ask:
    entry = {"login": world.fresh("new"), "role": "auditor", "name": "-", "name_en": "-"}
    return Ask({}, {**entry, "area": side.area})


def duty(_world: World, side: Side, _who: Caller) -> Ask:
    return Ask(query=f"?responder_id={side.responder}")


def area(world: World, side: Side, _who: Caller) -> Ask:
    entry = {"id": world.fresh("area"), "kind": "community", "name": WORDS}
    return Ask({}, {**entry, "parent": side.area})


def station(world: World, side: Side, _who: Caller) -> Ask:
    place = {"area": side.area, "name": WORDS, "phone": "0", "lat": 22.66, "lon": 114.33}
    return Ask({}, {"id": world.fresh("st-"), **place})


def responder(world: World, side: Side, _who: Caller) -> Ask:
    entry = {"id": world.fresh("re-"), "name": "-", "name_en": "-", "phone": "0"}
    return Ask({"station_id": side.station}, entry)


def gateway(world: World, side: Side, _who: Caller) -> Ask:
    return Ask({}, {"id": world.fresh("gw-m"), "area": side.area, "name": WORDS})


def home(world: World, side: Side, _who: Caller) -> Ask:
    place = {"area": side.community, "address": WORDS, "lat": 22.66, "lon": 114.33}
    return Ask({"gateway_id": side.gateway}, {"id": world.fresh("ho-"), **place})


def device(_world: World, side: Side, _who: Caller) -> Ask:
    kind = {"topic": "t/2", "key": "k", "kind": "k", "vendor": "v", "model": "m"}
    entry = {"uid": "z2m:0x1", "home": side.home, "name": WORDS, "room": WORDS, "is_sos": False}
    return Ask({"gateway_id": side.gateway}, {**kind, **entry})


def call_plan(world: World, side: Side, _who: Caller) -> Ask:
    entry = {"id": world.fresh("cp-"), "area": side.area, "name": WORDS, "steps": [WORDS]}
    return Ask({}, entry)


def calls(_world: World, side: Side, _who: Caller) -> Ask:
    return Ask({"home_id": side.home}, {"call_plan": side.call_plan})


def removal(*, is_done: bool = False) -> Callable[[World, Side, Caller], Ask]:
    return lambda world, side, _who: Ask({"removal_id": world.removal(side, is_done=is_done).id})


def certified(world: World, side: Side, _who: Caller) -> Ask:
    world.certify(side)
    return Ask({"gateway_id": side.gateway}, {"reason": "lost"})


def consent(world: World, side: Side, _who: Caller) -> Ask:
    family = world.people[R.FAMILY, side.key].id
    body = {"account_id": family, "purpose": "push", "how": "paper"}
    return Ask({"resident_id": side.resident}, body)


def open_alarm(world: World, side: Side) -> str:
    return world.alarm(side)


def open_offer(world: World, side: Side) -> str:
    return world.offer(side)


def listed(roles: Collection[Role], mark: Callable[[World, Side], str]) -> Row:
    return Row(roles, kind="list", mark=mark)


ROWS: Final[dict[str, Row]] = {
    "GET /api/session": Row(EVERYBODY, kind="own"),
    "DELETE /api/session": Row(EVERYBODY, kind="own"),
    "PUT /api/session/password": Row(
        EVERYBODY,
        lambda *_: Ask(body={"new": "a long enough one", "old": "a long enough one"}),
        kind="own",
    ),
    "POST /api/session/second-factor": Row(EVERYBODY, kind="own"),
    "POST /api/session/second-factor/confirm": Row(
        EVERYBODY, lambda world, _, who: Ask(body={"code": world.pending_code(who)}), kind="own"
    ),
    "POST /api/shift": Row(OPERATOR, lambda *_: Ask(body={"audio_ok": True}), kind="own"),
    "DELETE /api/shift": Row(OPERATOR, kind="own"),
    "GET /api/accounts": listed(OFFICE, lambda world, side: world.account(side).login),
    "POST /api/accounts": Row(ADMIN, new_account),
    "PUT /api/accounts/{account_id}": Row(
        ADMIN, lambda *asked: Ask(account(*asked).path, new_account(*asked).body)
    ),
    "POST /api/accounts/{account_id}/disable": Row(ADMIN, account),
    "POST /api/accounts/{account_id}/enable": Row(ADMIN, account),
    "POST /api/accounts/{account_id}/link": Row(ADMIN, account),
    "POST /api/accounts/{account_id}/reset": Row(ADMIN, account),
    "GET /api/audit": listed({R.AUDITOR}, lambda _, side: f"mark-{side.key}"),
    "GET /api/audit/chain": Row({R.AUDITOR}, kind="own"),
    "GET /api/residents/{resident_id}/consents": Row(
        CONSENTS, lambda _, side, __: Ask({"resident_id": side.resident})
    ),
    "POST /api/residents/{resident_id}/consents": Row(CONSENTS, consent),
    "DELETE /api/residents/{resident_id}/consents/{consent_id}": Row(
        CONSENTS,
        lambda world, side, _: Ask(
            {"resident_id": side.resident, "consent_id": world.consent(side)}
        ),
    ),
    "GET /api/family": listed({R.FAMILY}, lambda _, side: side.home),
    "GET /api/areas": listed(REGISTRY, lambda _, side: side.community),
    "PUT /api/areas": Row(ADMIN, area),
    "GET /api/stations": listed(REGISTRY | CREW, lambda _, side: side.station),
    "PUT /api/stations": Row(ADMIN, station),
    "GET /api/stations/{station_id}/responders": Row(
        REGISTRY, lambda _, side, __: Ask({"station_id": side.station})
    ),
    "PUT /api/stations/{station_id}/responders": Row(ADMIN, responder),
    "GET /api/gateways": listed(REGISTRY, lambda _, side: side.gateway),
    "PUT /api/gateways": Row(ADMIN, gateway),
    "GET /api/fleet": listed(OFFICE, lambda _, side: side.gateway),
    "POST /api/gateways/{gateway_id}/code": Row(
        ADMIN, lambda _, side, __: Ask({"gateway_id": side.gateway})
    ),
    "POST /api/gateways/{gateway_id}/revoke": Row(ADMIN, certified),
    "GET /api/sightings": listed(REGISTRY, lambda _, side: f"z2m:heard-{side.key}"),
    "GET /api/call-plans": listed(REGISTRY, lambda _, side: side.call_plan),
    "PUT /api/call-plans": Row(CALLS, call_plan),
    "DELETE /api/call-plans/{plan_id}": Row(
        CALLS, lambda world, side, _: Ask({"plan_id": world.call_plan(side)})
    ),
    "PUT /api/homes/{home_id}/calls": Row(CALLS, calls),
    "GET /api/removals": listed(OFFICE, lambda world, side: world.removal(side).id),
    "POST /api/removals": Row(
        ADMIN, lambda _, side, __: Ask(body={"homes": [side.home], "reason": "-"})
    ),
    "POST /api/removals/{removal_id}/confirm": Row(ADMIN, removal()),
    "POST /api/removals/{removal_id}/refuse": Row(ADMIN, removal()),
    "POST /api/removals/{removal_id}/undo": Row(ADMIN, removal(is_done=True)),
    "GET /api/homes": listed(REGISTRY, lambda _, side: side.home),
    "GET /api/homes/{home_id}/view": Row(
        {R.OPERATOR, R.SUPERVISOR}, lambda _, side, __: Ask({"home_id": side.home})
    ),
    "GET /api/homes/{home_id}/readings": Row(
        {R.OPERATOR, R.SUPERVISOR},
        lambda _, side, __: Ask({"home_id": side.home}, query="?measurement=motion"),
    ),
    "GET /api/homes/{home_id}/readings/last": Row(
        {R.OPERATOR, R.SUPERVISOR}, lambda _, side, __: Ask({"home_id": side.home})
    ),
    "GET /api/homes/{home_id}/readings/export": Row(
        {R.SUPERVISOR}, lambda _, side, __: Ask({"home_id": side.home})
    ),
    "DELETE /api/homes/{home_id}/readings": Row(
        ADMIN, lambda _, side, __: Ask({"home_id": side.home})
    ),
    "GET /api/homes/{home_id}": Row(REGISTRY, lambda _, side, __: Ask({"home_id": side.home})),
    "PUT /api/gateways/{gateway_id}/homes": Row(ADMIN, home),
    "DELETE /api/homes/{home_id}/contacts/{order}": Row(
        CALLS, lambda _, side, __: Ask({"home_id": side.home, "order": "9"})
    ),
    "DELETE /api/residents/{resident_id}": Row(
        ADMIN, lambda world, side, _: Ask({"resident_id": world.resident(side)})
    ),
    "PUT /api/gateways/{gateway_id}/devices": Row(ADMIN, device),
    "DELETE /api/gateways/{gateway_id}/devices/{uid}": Row(
        ADMIN, lambda _, side, __: Ask({"gateway_id": side.gateway, "uid": "z2m:0x9"})
    ),
    "GET /api/alarms": listed({R.OPERATOR, R.SUPERVISOR}, open_alarm),
    "GET /api/alarms/{alarm_id}": Row({R.OPERATOR, R.SUPERVISOR}, alarm()),
    "GET /api/alarms/{alarm_id}/candidates": Row(OPERATOR, alarm()),
    "POST /api/alarms/{alarm_id}/claim": Row(OPERATOR, alarm(is_claimed=False)),
    "POST /api/alarms/{alarm_id}/release": Row(OPERATOR, alarm()),
    "POST /api/alarms/{alarm_id}/note": Row(OPERATOR, alarm({"text": "x"})),
    "POST /api/alarms/{alarm_id}/close": Row(
        OPERATOR, alarm({"outcome": "test", "sub_reason": "drill"})
    ),
    "POST /api/alarms/{alarm_id}/reveal": Row(OPERATOR, alarm()),
    "POST /api/alarms/{alarm_id}/dispatch": Row(OPERATOR, alarm({})),
    "GET /api/offers": listed(CREW | {R.OPERATOR, R.SUPERVISOR}, open_offer),
    "POST /api/offers/{offer_id}/accept": Row(CREW, offer()),
    "POST /api/offers/{offer_id}/decline": Row(CREW, offer(body={"reason": "busy"})),
    "POST /api/offers/{offer_id}/depart": Row(CREW, offer("accept")),
    "POST /api/offers/{offer_id}/arrive": Row(CREW, offer("accept", "depart", body={})),
    "POST /api/offers/{offer_id}/report": Row(
        CREW, offer("accept", "depart", "arrive", body=REPORT)
    ),
    "GET /api/units": listed(CREW | {R.OPERATOR, R.SUPERVISOR}, lambda _, side: side.responder),
    "POST /api/duty": Row(CREW | {R.SUPERVISOR}, duty),
    "DELETE /api/duty": Row(CREW | {R.SUPERVISOR}, duty),
    "GET /api/rejected": listed(REGISTRY, lambda _, side: f"q-{side.key}"),
}
PUBLIC: Final = {
    "POST /api/enrol",  # a gateway's, by its one-time code
    "POST /api/renew",  # and by its present key
    "POST /api/session",
    "POST /api/session/link",
    "POST /api/session/second",
    "GET /health/live",
    "GET /health/ready",
}
TOPICS: Final[dict[str, Collection[Role]]] = {
    "alarms": {R.OPERATOR, R.SUPERVISOR},
    "offers": CREW | {R.OPERATOR, R.SUPERVISOR},
    "units": CREW | {R.OPERATOR, R.SUPERVISOR},
}


def operations(document: dict[str, Any]) -> set[str]:
    """Every route of an OpenAPI document, as the rows name it."""
    return {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }


def without_row(document: dict[str, Any]) -> set[str]:
    """Routes that nobody has said who may use them."""
    return operations(document) - ROWS.keys() - PUBLIC
