"""Responders as the feed tells them: on duty or not, asked, on the way, there. Their state is read
from the offers; what is kept is only what was told last, so that nothing is told twice."""

from collections.abc import Collection
from typing import Any, Final

import msgspec

from cloud.dispatch import store
from cloud.dispatch.model import Offer, OfferState
from cloud.dispatch.store import UnitRow
from cloud.dispatch.views import unit_view
from cloud.durable import feed
from cloud.identity.scope import Scope
from cloud.registry.cards import StationCard
from cloud.registry.events import DutyChanged
from cloud.registry.registry import Registry
from cloud.storage.unit import Work

FREE: Final = "free"
FIRST_REV: Final = 1
_encode = msgspec.json.Encoder().encode


class Units:
    """The people of all stations."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def shown(self, work: Work, scope: Scope) -> list[dict[str, Any]]:
        """How everybody of the scope's stations stands now."""
        return [
            view
            for station in self._registry.stations()
            if scope.covers(station.area_id, station.id)
            for view in self._of_station(work, station)
        ]

    def tell(self, work: Work, station_id: str) -> None:
        """Whoever of the station stands otherwise than was told last."""
        station = self._registry.station_card(station_id)
        if station is not None:
            self._tell(work, station, self._on_duty(work, station_id))

    def on_duty_changed(self, work: Work, event: DutyChanged) -> None:
        """A handler: the registry itself knows of it only after the commit."""
        station = self._registry.station_card(event.station_id)
        if station is None:
            return
        on_duty = self._on_duty(work, station.id) - {event.responder_id}
        self._tell(work, station, on_duty | ({event.responder_id} if event.is_on_duty else set()))

    def _on_duty(self, work: Work, station_id: str) -> set[str]:
        people = self._registry.responders_on_duty(station_id, work.now_ms)
        return {each.id for each in people}

    def _of_station(self, work: Work, station: StationCard) -> list[dict[str, Any]]:
        on_duty, offers = self._on_duty(work, station.id), store.open_offers(work, station.id)
        told = store.unit_rows(work, [each.id for each in station.responders])
        return [
            unit_view(
                each,
                station,
                state=state_of(each.id, offers, on_duty),
                is_on_duty=each.id in on_duty,
                rev=told[each.id].rev if each.id in told else FIRST_REV,
            )
            for each in station.responders
        ]

    def _tell(self, work: Work, station: StationCard, on_duty: Collection[str]) -> None:
        offers = store.open_offers(work, station.id)
        told = store.unit_rows(work, [each.id for each in station.responders])
        for each in station.responders:
            before = told.get(each.id)
            state, is_on_duty = state_of(each.id, offers, on_duty), each.id in on_duty
            if before is not None and before[1:] == (state, is_on_duty):
                continue
            row = UnitRow(before.rev + 1 if before else FIRST_REV, state, is_on_duty)
            store.keep_unit(work, each.id, row)
            view = unit_view(each, station, state=state, is_on_duty=is_on_duty, rev=row.rev)
            feed.put(
                work,
                "units",
                each.id,
                row.rev,
                _encode(view),
                area=station.area_id,
                station=station.id,
            )


def state_of(responder_id: str, offers: Collection[Offer], on_duty: Collection[str]) -> str:
    """Their own case first, the latest one; else whether their station is being asked.

    offers: the open ones of the station, oldest first.
    """
    own = [offer.state for offer in offers if offer.responder_id == responder_id]
    if own:
        return own[-1].value
    is_asked = any(offer.state is OfferState.OFFERED for offer in offers)
    return OfferState.OFFERED.value if is_asked and responder_id in on_duty else FREE
