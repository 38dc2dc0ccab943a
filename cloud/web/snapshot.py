"""Everything that a page follows, as it stands now: the first thing that the feed tells it."""

from collections.abc import Iterable
from typing import Any

import msgspec

from cloud.alarms import store
from cloud.alarms.views import alarm_json
from cloud.dispatch.service import DispatchDesk
from cloud.identity.scope import Scope
from cloud.live.messages import FeedRow
from cloud.storage.unit import Work
from cloud.web.feed import Rows

_encode = msgspec.json.Encoder().encode


def rows_of(dispatch: DispatchDesk) -> Rows:
    """For `feed.routes`: open alarms, open offers and units, each as the feed would tell it."""

    def rows(work: Work, scope: Scope) -> list[FeedRow]:
        found = _alarms(work, scope) if "alarms" in scope.collections else []
        if "offers" in scope.collections:
            found += _rows("offers", dispatch.open_offers(work, scope))
        if "units" in scope.collections:
            found += _rows("units", dispatch.units(work, scope))
        return found

    return rows


def _alarms(work: Work, scope: Scope) -> list[FeedRow]:
    return [
        FeedRow("alarms", alarm.id, alarm.rev, msgspec.Raw(alarm_json(alarm)))
        for alarm in store.open_alarms_seen(work, scope)
    ]


def _rows(collection: str, things: Iterable[dict[str, Any]]) -> list[FeedRow]:
    return [
        FeedRow(collection, each["id"], each["rev"], msgspec.Raw(_encode(each))) for each in things
    ]
