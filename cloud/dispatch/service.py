"""Offers an alarm to stations, one after the other, and follows who goes. Never commits.

Each step of an offer and what it means for its alarm are one transaction, so that the offer, the
alarm's history, the timer and the feed never disagree.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from cloud.alarms import commands as c
from cloud.alarms import service as alarms
from cloud.alarms import store as alarm_store
from cloud.alarms.errors import NotFound
from cloud.alarms.events import AlarmChanged, AlarmClosed
from cloud.alarms.model import Alarm, Handling, Person
from cloud.dispatch import store, views
from cloud.dispatch.candidates import Pick, find_picks, free_people
from cloud.dispatch.errors import AlreadyOut, InvalidReport, NobodyOnDuty, OfferGone
from cloud.dispatch.machine import (
    Accept,
    Arrive,
    Command,
    Decline,
    Depart,
    Expire,
    Report,
    Withdraw,
    step,
)
from cloud.dispatch.model import TEXT_CHARS_MAX, Crew, Offer, OfferState
from cloud.dispatch.units import Units
from cloud.durable import feed
from cloud.durable.timers import Timer, Timers
from cloud.identity.scope import Scope
from cloud.registry.events import DutyChanged
from cloud.registry.registry import Registry
from cloud.storage.bus import Bus
from cloud.storage.unit import Work
from cloud.travel.estimate import Place, Travel, great_circle_m
from cloud.words import Dictionary
from contract.topics import partition_of

ANSWER_WITHIN_MS: Final = 60_000
TIMER: Final = "offer"
STATION_ONLY: Final = "-"  # an area that nobody's scope has: the feed's copy with the door code
S = OfferState
_PAST: Final[Mapping[type[Command], frozenset[OfferState]]] = {
    Accept: frozenset({S.ACCEPTED, S.DEPARTED, S.ARRIVED, S.REPORTED}),
    Depart: frozenset({S.DEPARTED, S.ARRIVED, S.REPORTED}),
    Arrive: frozenset({S.ARRIVED, S.REPORTED}),
    Report: frozenset({S.REPORTED}),
}
Shown = dict[str, Any]
_encode = msgspec.json.Encoder().encode


class DispatchDesk:
    """What operators, stations and escalation ask of dispatch; all answers are JSON-ready."""

    def __init__(
        self, registry: Registry, travel: Travel, timers: Timers, words: Dictionary
    ) -> None:
        self._registry, self._travel = registry, travel
        self._timers, self._words = timers, words
        self._units = Units(registry)

    def listen(self, bus: Bus) -> None:
        """A closed alarm takes its offers back; who comes on duty is told."""
        bus.on(AlarmChanged, self._on_alarm)
        bus.on(DutyChanged, self._units.on_duty_changed)

    def handlers(self) -> dict[str, Callable[[Work, Timer], None]]:
        """By kind of timer."""
        return {TIMER: self.offer_expired}

    # ------------------------------------------------------------ operators

    def candidates(self, work: Work, alarm_id: str) -> list[Shown]:
        """Stations that may serve this home, best first. Raises NotFound."""
        alarm = _alarm(work, alarm_id)
        return [
            views.candidate_view(pick.candidate, pick.station, pick.free, self._words)
            for pick in self._picks(work, alarm)
        ]

    def dispatch(
        self, work: Work, alarm_id: str, by: Person | None = None, station_id: str | None = None
    ) -> Shown:
        """Offer the alarm to a station; None: the best one that was not asked yet.

        While a station is being asked, asking again changes nothing, and naming another one takes
        the first offer back. Raises NotFound, NotYours, NobodyOnDuty or IllegalStep.
        """
        alarm = _alarm(work, alarm_id)
        asked = next(
            (each for each in store.offers_of_alarm(work, alarm_id) if each.state is S.OFFERED),
            None,
        )
        if asked is None:
            made = self._offer(work, alarm, self._choose(work, alarm, station_id), by)
        elif station_id in (None, asked.station_id):
            made = asked
        else:
            pick = self._choose(work, alarm, station_id)
            made = self._end(work, asked, Withdraw(), "withdrawn", lambda _: pick, by=by) or asked
        return self._view(work, made, is_for_station=False)

    def offer_nearest(self, work: Work, alarm_id: str) -> bool:
        """For escalation: ask the best station where nobody was asked yet; False where nobody is
        on duty."""
        alarm = _alarm(work, alarm_id)
        if alarm.handling is not Handling.UNCLAIMED:
            return True
        best = self._best(work, alarm)
        if best is not None:
            self._offer(work, alarm, best, None)
        return best is not None

    def offers_of(self, work: Work, alarm_id: str) -> list[Shown]:
        """Every offer of an alarm, first attempt first, without door code."""
        offers = store.offers_of_alarm(work, alarm_id)
        return [self._view(work, offer, is_for_station=False) for offer in offers]

    # ------------------------------------------------------------ stations and responders

    def accept(self, work: Work, offer_id: str, crew: Crew) -> Shown:
        """A responder goes. Raises NotFound, OfferGone, AlreadyOut, or NobodyOnDuty for a
        tablet."""
        offer = self._own(work, offer_id, crew)
        responder_id = crew.responder_id or offer.responder_id
        if responder_id is None:
            free = free_people(work, self._registry, offer.station_id)
            if not free:
                raise NobodyOnDuty
            responder_id = free[0].id
        self._require_free(work, offer, responder_id)
        return self._go(work, offer, Accept(responder_id), c.AcceptOffer)

    def decline(self, work: Work, offer_id: str, crew: Crew, reason: str) -> Shown:
        """The station cannot, or cannot after all: the next one is asked.

        Raises NotFound, OfferGone or InvalidReport.
        """
        offer = self._own(work, offer_id, crew)
        if offer.responder_id is not None and _who(offer, crew) != offer.responder_id:
            raise OfferGone(offer.state.value)
        if offer.state is not S.DECLINED:
            best = self._best
            self._end(
                work, offer, Decline(reason), "declined", lambda a: best(work, a), reason=reason
            )
        return self._view(work, store.get_offer(work, offer_id), is_for_station=True)

    def depart(self, work: Work, offer_id: str, crew: Crew) -> Shown:
        """On the way. Raises NotFound, OfferGone or IllegalStep."""
        offer = self._own(work, offer_id, crew)
        return self._go(work, offer, Depart(_who(offer, crew)), c.Depart)

    def arrive(
        self,
        work: Work,
        offer_id: str,
        crew: Crew,
        lat: float | None = None,
        lon: float | None = None,
        override_reason: str | None = None,
    ) -> Shown:
        """At the door. lat, lon: where they stand, WGS-84; written down, never a reason to refuse.

        Raises NotFound, OfferGone, IllegalStep or InvalidReport.
        """
        offer = self._own(work, offer_id, crew)
        if override_reason is not None and len(override_reason) > TEXT_CHARS_MAX:
            raise InvalidReport(f"a reason has at most {TEXT_CHARS_MAX} characters")
        distance_m = _distance_m(_alarm(work, offer.alarm_id), lat, lon)

        def arrived(ref: c.OfferRef, view: msgspec.Raw) -> c.Command:
            return c.Arrive(ref, view, distance_m, override_reason)

        return self._go(work, offer, Arrive(_who(offer, crew)), arrived)

    def report(self, work: Work, offer_id: str, crew: Crew, report: Mapping[str, Any]) -> Shown:
        """What was found and done. Raises NotFound, OfferGone, IllegalStep or InvalidReport."""
        offer = self._own(work, offer_id, crew)
        command = Report(_who(offer, crew), dict(report))

        def reported(ref: c.OfferRef, view: msgspec.Raw) -> c.Command:
            return c.Report(ref, view, store.get_offer(work, offer_id).report or {})

        return self._go(work, offer, command, reported)

    # ------------------------------------------------------------ lists

    def open_offers(self, work: Work, scope: Scope) -> list[Shown]:
        """Offers that have not ended, oldest first; with door code only for a station."""
        return [
            self._view(work, offer, is_for_station=scope.station is not None)
            for offer in store.open_offers_seen(work, scope)
        ]

    def units(self, work: Work, scope: Scope) -> list[Shown]:
        """Responders as they stand now."""
        return self._units.shown(work, scope)

    # ------------------------------------------------------------ what happens by itself

    def offer_expired(self, work: Work, timer: Timer) -> None:
        """Nobody has answered: the next station. Harmless where the offer has gone on meanwhile."""
        offer = store.find_offer(work, timer.subject)
        if offer is None or offer.state is not S.OFFERED:
            return
        if work.now_ms < offer.expires_at_ms:
            self._wait(work, offer, timer.partition)
        else:
            self._end(work, offer, Expire(), "expired", lambda alarm: self._best(work, alarm))

    def _on_alarm(self, work: Work, change: AlarmChanged) -> None:
        if not isinstance(change.event, AlarmClosed):
            return
        for offer in store.offers_of_alarm(work, change.alarm.id):
            if offer.is_open:
                self._tell(work, self._step(work, offer, Withdraw()), change.alarm)

    # ------------------------------------------------------------ parts

    def _picks(self, work: Work, alarm: Alarm) -> list[Pick]:
        return find_picks(work, self._registry, self._travel, alarm)

    def _best(self, work: Work, alarm: Alarm) -> Pick | None:
        picks = self._picks(work, alarm)
        return next((pick for pick in picks if pick.candidate.is_possible), None)

    def _choose(self, work: Work, alarm: Alarm, station_id: str | None) -> Pick:
        """A person may also name a station that was asked already."""
        if station_id is None:
            best = self._best(work, alarm)
        else:
            picks = self._picks(work, alarm)
            best = next((pick for pick in picks if pick.station.id == station_id), None)
        if best is None or not best.free:
            raise NobodyOnDuty
        return best

    def _offer(self, work: Work, alarm: Alarm, pick: Pick, by: Person | None) -> Offer:
        offer = Offer(
            id=work.new_id("of"),
            alarm_id=alarm.id,
            station_id=pick.station.id,
            offered_at_ms=work.now_ms,
            expires_at_ms=work.now_ms + ANSWER_WITHIN_MS,
            distance_m=pick.candidate.distance_m,
            travel_s=pick.candidate.travel_s,
            rank=pick.candidate.rank,
            attempt=len(store.offers_of_alarm(work, alarm.id)) + 1,
        )
        store.insert_offer(work, offer, alarm.area_code)
        self._wait(work, offer, partition_of(alarm.gateway))
        self._tell(work, offer, alarms.handle(work, alarm.id, c.Offer(*self._told(offer), by)))
        return offer

    def _go(
        self,
        work: Work,
        offer: Offer,
        command: Accept | Depart | Arrive | Report,
        meaning: Callable[[c.OfferRef, msgspec.Raw], c.Command],
    ) -> Shown:
        """A responder's step, and what it means for the alarm; nothing where it was done before."""
        is_theirs = offer.responder_id == command.responder_id
        if not (is_theirs and offer.state in _PAST[type(command)]):
            offer = self._step(work, offer, command)
            alarm = alarms.handle(work, offer.alarm_id, meaning(*self._told(offer)))
            self._tell(work, offer, alarm)
        return self._view(work, offer, is_for_station=True)

    def _end(
        self,
        work: Work,
        before: Offer,
        command: Decline | Expire | Withdraw,
        why: str,
        successor: Callable[[Alarm], Pick | None],
        *,
        reason: str | None = None,
        by: Person | None = None,
    ) -> Offer | None:
        """The offer came to nothing; the one that is made instead."""
        ended = self._step(work, before, command)
        pick = successor(_alarm(work, before.alarm_id))
        end = c.EndOffer(*self._told(ended), why, reason, is_last=pick is None)
        alarm = alarms.handle(work, before.alarm_id, end)
        self._tell(work, ended, alarm)
        return self._offer(work, alarm, pick, by) if pick else None

    def _step(self, work: Work, before: Offer, command: Command) -> Offer:
        offer = step(before, command, work.now_ms)
        store.save_offer(work, before, offer)
        if before.state is S.OFFERED:
            self._timers.cancel(work, TIMER, offer.id)
        return offer

    def _wait(self, work: Work, offer: Offer, partition: int) -> None:
        self._timers.set(work, TIMER, offer.id, offer.expires_at_ms, partition=partition)

    def _require_free(self, work: Work, offer: Offer, responder_id: str) -> None:
        """The offer stays as it is: a colleague may take it, else the next station is asked."""
        for each in store.open_offers(work, offer.station_id):
            if each.responder_id == responder_id and each.id != offer.id:
                raise AlreadyOut(each.id)

    def _own(self, work: Work, offer_id: str, crew: Crew) -> Offer:
        """Another station's offer does not exist for who asks."""
        return store.get_own(work, offer_id, crew.station_id)

    def _told(self, offer: Offer) -> tuple[c.OfferRef, msgspec.Raw]:
        """As the alarm's history keeps it."""
        return views.offer_ref(self._registry, offer), views.short_json(self._registry, offer)

    def _view(self, work: Work, offer: Offer, *, is_for_station: bool) -> Shown:
        alarm = _alarm(work, offer.alarm_id)
        return views.offer_view(work, self._registry, offer, alarm, is_for_station=is_for_station)

    def _tell(self, work: Work, offer: Offer, alarm: Alarm) -> None:
        """To operators, to the station, and how the station's people stand now."""
        for area, station_id in ((alarm.area_code, None), (STATION_ONLY, offer.station_id)):
            view = views.offer_view(
                work, self._registry, offer, alarm, is_for_station=station_id is not None
            )
            feed.put(
                work, "offers", offer.id, offer.rev, _encode(view), area=area, station=station_id
            )
        self._units.tell(work, offer.station_id)


def _alarm(work: Work, alarm_id: str) -> Alarm:
    kept = alarm_store.find(work, alarm_id)
    if kept is None:
        raise NotFound(f"there is no alarm {alarm_id}", id=alarm_id)
    return kept.alarm


def _who(offer: Offer, crew: Crew) -> str:
    """A station's tablet speaks for whoever has accepted."""
    return crew.responder_id or offer.responder_id or ""


def _distance_m(alarm: Alarm, lat: float | None, lon: float | None) -> int | None:
    if alarm.home is None or lat is None or lon is None:
        return None
    return round(great_circle_m(Place(lat, lon), Place(alarm.home.lat, alarm.home.lon)))
