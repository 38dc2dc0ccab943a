"""A town with two sub-districts alike, for the matrix: on each side a home, a gateway, a station,
and one account of each role. What a case needs is made for it; what it left open is put away."""

import itertools
from typing import Any, Final, NamedTuple

import pyotp
from httpx2 import Response
from sqlalchemy import update

from cloud.alarms import service as alarms
from cloud.alarms.commands import Claim
from cloud.alarms.model import HomeCard as AlarmHome
from cloud.alarms.model import Person, Press, Where
from cloud.alarms.service import Call, raise_call
from cloud.alarms.store import alarm_table
from cloud.dispatch.model import Crew
from cloud.dispatch.store import offer_table
from cloud.durable.received import Reject, quarantine
from cloud.fleet.certificates import Kind, new_key
from cloud.identity import audit, consent, second_factor, sessions
from cloud.identity.consent import How, Purpose, consent_table
from cloud.identity.model import Account
from cloud.identity.policy import SECOND_FACTOR, Role
from cloud.identity.service import AccountEntry, add_account
from cloud.identity.tokens import SystemSecrets
from cloud.registry import removals
from cloud.registry.cards import DeviceCard
from cloud.registry.entries import (
    CallPlanEntry,
    ContactEntry,
    GatewayEntry,
    HomeEntry,
    ResidentEntry,
    ResponderEntry,
    StationEntry,
)
from cloud.registry.removals import Removal, RemovalEntry
from cloud.registry.service import Edit, on_duty
from cloud.registry.sightings import saw_unregistered
from cloud.rules.model import AlarmKind, Severity
from cloud.storage.unit import Work
from cloud.web.desk import COOKIE
from cloud.words import Words
from contract.lanes import Lane
from tests.cloud.web.conftest import Town

NO_WORDS: Final = Words("", "")
ORIGIN: Final = "http://testserver"
SECRETS: Final = SystemSecrets()


class Side(NamedTuple):
    """A sub-district and what stands in it."""

    key: str
    area: str
    community: str

    @property
    def home(self) -> str:
        return f"ho-side-{self.key}"

    @property
    def gateway(self) -> str:
        return f"gw-side{self.key}"

    @property
    def resident(self) -> str:
        return f"rs-side-{self.key}"

    @property
    def station(self) -> str:
        return f"st-side-{self.key}"

    @property
    def responder(self) -> str:
        return f"re-side-{self.key}"

    @property
    def call_plan(self) -> str:
        return f"cp-side-{self.key}"

    @property
    def uid(self) -> str:
        return f"z2m:0x00000000000000a{'1' if self.key == 'own' else '2'}"


OWN: Final = Side("own", "440310002", "440310002902")
OTHER: Final = Side("other", "440310001", "440310001901")
SIDES: Final = {side.key: side for side in (OWN, OTHER)}


class Caller(NamedTuple):
    """Somebody who is signed in."""

    account: Account
    session_id: str
    cookie: str
    csrf: str


class World:
    """Both sides, and ways to ask."""

    def __init__(self, town: Town) -> None:
        self.town, self._numbers = town, itertools.count(1)
        town.gateways.create("Test")
        self.people: dict[tuple[Role, str], Account] = {}
        for side in SIDES.values():
            self.write(lambda work, side=side: _enter(work, side))
            for role in Role:
                self.people[role, side.key] = self.account(side, role)
            self.write(lambda work, side=side: self._mark(work, side))

    def write(self, fn: Any) -> Any:
        return self.town.store.write(fn)

    def fresh(self, word: str) -> str:
        """An id that was never used."""
        return f"{word}{next(self._numbers):04}"

    def account(self, side: Side, role: Role = Role.AUDITOR) -> Account:
        entry = AccountEntry(
            self.fresh("login"),
            role,
            "-",
            "-",
            area=side.area,
            station=side.station if role in (Role.STATION, Role.RESPONDER) else None,
            responder=side.responder if role is Role.RESPONDER else None,
        )
        made: Account = self.write(lambda work: add_account(work, entry, None))
        return made

    def _mark(self, work: Work, side: Side) -> None:
        """Something of the side for each list."""
        family = self.people[Role.FAMILY, side.key].id
        by = self.people[Role.OPERATOR, side.key].id
        consent.give(work, side.resident, family, Purpose.SEE_HOME, How.PAPER, by)
        deed = audit.Deed(by, "marked", f"mark-{side.key}", side.area)
        audit.write_down(work, deed)
        topic = f"anju/1/00/{side.gateway}/up/data"
        saw_unregistered(work, side.gateway, f"z2m:heard-{side.key}")
        quarantine(work, Reject(f"q-{side.key}", side.gateway, topic, Lane.DATA, "mark", b"x"))

    # ---------------------------------------------------------------- who asks

    def caller(self, role: Role, side: Side = OWN) -> Caller:
        """A session of its own, so that ending it ends nobody else's."""
        account, token = self.people[role, side.key], SECRETS.token()

        def enter(work: Work) -> sessions.SignedIn:
            second = role in SECOND_FACTOR
            return sessions.open_session(work, account, token, has_second=second)

        signed_in = self.write(enter)
        return Caller(account, signed_in.session_id, token, signed_in.csrf)

    def ask(
        self, who: Caller | None, method: str, path: str, body: Any = None, **headers: str
    ) -> Response:
        own = {"origin": ORIGIN, **headers}
        if who is not None:
            own |= {"cookie": f"{COOKIE}={who.cookie}", "x-csrf": headers.get("x-csrf", who.csrf)}
        sent = {} if body is None else {"json": body}
        return self.town.client.request(method, path, headers=own, **sent)

    # ---------------------------------------------------------------- what is asked about

    def alarm(self, side: Side, claimed_by: Account | None = None) -> str:
        """A new one, whatever is open."""
        key, now_ms = self.fresh("press"), self.town.clock.now_ms()
        home = self.town.registry.home_card(side.home)
        assert home is not None
        place = AlarmHome(home.id, home.address, home.area, home.lat, home.lon)
        call = Call(
            kind=AlarmKind.SOS,
            severity=Severity.CRITICAL,
            fold_key=key,
            rule="sos",
            version="1",
            say=NO_WORDS,
            press=Press(key, side.gateway, now_ms, age_ms=0),
            where=Where(home=place, area_code=home.area_id),
        )
        alarm_id: str = self.write(lambda work: raise_call(work, call)).id
        if claimed_by is not None:
            by = Person(claimed_by.id, "-", "-")
            self.write(lambda work: alarms.handle(work, alarm_id, Claim(by)))
        return alarm_id

    def offer(self, side: Side, *steps: str) -> str:
        """An offer to the side's station, some steps on."""
        operator = self.people[Role.OPERATOR, side.key]
        alarm_id, by = self.alarm(side, operator), Person(operator.id, "-", "-")
        dispatch, crew = self.town.dispatch, Crew(side.station, side.responder)
        send = self.write(lambda work: dispatch.dispatch(work, alarm_id, by, side.station))
        for step in steps:
            go = getattr(dispatch, step)
            self.write(lambda work, go=go: go(work, send["id"], crew))
        return str(send["id"])

    def resident(self, side: Side) -> str:
        entry = ResidentEntry(self.fresh("rs-"), "-", "-", 80, "f", True)
        home = _home(side, (entry,), ())

        def enter(work: Work) -> None:
            with Edit(work) as edit:
                edit.home(side.gateway, home)

        self.write(enter)
        return entry.id

    def consent(self, side: Side) -> str:
        family, by = self.people[Role.FAMILY, side.key].id, "ac-0"

        def give(work: Work) -> str:
            return consent.give(work, side.resident, family, Purpose.PUSH, How.PAPER, by).id

        made: str = self.write(give)
        return made

    def call_plan(self, side: Side) -> str:
        """One that no home follows."""
        entry = CallPlanEntry(self.fresh("cp-"), side.area, NO_WORDS, (NO_WORDS,))

        def enter(work: Work) -> None:
            with Edit(work) as edit:
                edit.call_plan(entry)

        self.write(enter)
        return entry.id

    def removal(self, side: Side, *, is_done: bool = False) -> Removal:
        """Somebody else has asked for it, of a resident who lives there since a moment ago."""
        entry = RemovalEntry("-", residents=(self.resident(side),))
        asked: Removal = self.write(lambda work: removals.ask(work, side.area, entry, "ac-0"))
        if is_done:
            self.write(lambda work: removals.confirm(work, asked.id, "ac-1"))
        return asked

    def certify(self, side: Side) -> None:
        """The side's gateway has a certificate."""
        self.town.gateways.sign(new_key().public_key(), Kind.GATEWAY, [side.gateway])

    def pending_code(self, who: Caller) -> str:
        """The code that confirms a second factor which is being set up."""
        secret = self.write(lambda work: second_factor.begin(work, who.account, SECRETS)).secret
        return pyotp.TOTP(secret).at(self.town.clock.now_ms() // 1000)

    def clean(self) -> None:
        """The next case begins as this one did, some time later."""
        self.town.clock.pass_s(120)

        def put_away(work: Work) -> None:
            work.execute(update(offer_table).values(is_open=False))
            work.execute(update(alarm_table).values(is_open=False))
            push = consent_table.c.purpose == str(Purpose.PUSH)
            work.execute(update(consent_table).where(push).values(withdrawn_ms=1))
            for role, key in self.people:
                second_factor.remove(work, self.people[role, key].id)
            for side in SIDES.values():
                on_duty(work, side.responder)

        self.write(put_away)


def _home(
    side: Side, residents: tuple[ResidentEntry, ...], contacts: tuple[ContactEntry, ...]
) -> HomeEntry:
    return HomeEntry(
        side.home, side.community, NO_WORDS, 22.66, 114.33, residents=residents, contacts=contacts
    )


def _enter(work: Work, side: Side) -> None:
    resident = ResidentEntry(side.resident, "-", "-", 80, "f", True)
    contact = ContactEntry(1, "-", "-", "-", "-", "0", False)
    person = ResponderEntry(side.responder, "-", "-", "0", duty="all_day")
    with Edit(work) as edit:
        edit.call_plan(CallPlanEntry(side.call_plan, side.area, NO_WORDS, (NO_WORDS,)))
        edit.gateway(GatewayEntry(side.gateway, side.community, NO_WORDS))
        edit.home(side.gateway, _home(side, (resident,), (contact,)))
        edit.device(
            DeviceCard(
                side.uid, side.gateway, side.home, "t/1", "k", "k", "v", "m", NO_WORDS, NO_WORDS
            )
        )
        edit.station(
            StationEntry(
                side.station, side.community, NO_WORDS, "0", 22.66, 114.33, responders=(person,)
            )
        )
