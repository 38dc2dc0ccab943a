"""What the devices of a home have said over time. Reads of health data: the audit has them."""

from functools import partial
from itertools import chain, islice
from typing import Annotated, Any, Final

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from cloud.alarms.views import resident_of
from cloud.identity import audit, bounds
from cloud.identity.errors import NotFound
from cloud.identity.policy import Action
from cloud.identity.scope import Scope
from cloud.registry.cards import HomeCard
from cloud.storage.unit import Work
from cloud.timeseries.account import MEDIA_TYPE, Form, account_of, written
from cloud.timeseries.model import DAY_MS, Wish
from cloud.timeseries.port import TimeSeries
from cloud.timeseries.requests import erase_home_readings
from cloud.timeseries.tiers import as_drawn
from cloud.web.case import devices_of
from cloud.web.desk import (
    Commander,
    Desk,
    OnDesk,
    Visitor,
    allowed,
    command,
    deed_of,
    note,
    read,
    read_noted,
    reply,
)
from cloud.web.shapes import (
    PROBLEM,
    Entered,
    HomeReadings,
    HomeShown,
    LastReading,
    LastReadings,
    answer,
)
from contract.vocabulary import SPECS, Measurement

BUCKETS_MAX: Final = 1500
SPAN_MS_MAX: Final = 366 * DAY_MS
MS_MAX: Final = 2**43  # the year 2248; nanoseconds end soon after
FILES: Final[dict[int | str, Any]] = {
    200: {"content": {media: {"schema": {"type": "string"}} for media in MEDIA_TYPE.values()}},
    **PROBLEM,
}


def reading_routes(series: TimeSeries) -> APIRouter:
    """`/api/homes/{home_id}/view` and `/readings`."""
    router = APIRouter(prefix="/api/homes", tags=["readings"])

    @router.get("/{home_id}/view", responses=answer(HomeShown))
    async def see_home(home_id: str, request: Request, visit: Visitor, desk: OnDesk) -> Response:
        """Who lives there and which devices there are, each with its battery and last word."""
        scope = desk.scope_of(allowed(visit, Action.SEE_READINGS))

        def see(work: Work) -> HomeShown:
            home = _seen(work, desk, scope, home_id)
            resident = resident_of(home, desk.clock.now_ms())
            devices = devices_of(work, desk.registry, home)
            return HomeShown(home.id, home.address, home.area, resident, devices)

        return await read_noted(request, desk, visit, see)

    _add_spans(router, series)
    _add_account(router, series)
    return router


def _add_spans(router: APIRouter, series: TimeSeries) -> None:
    @router.get("/{home_id}/readings/last", responses=answer(LastReadings))
    async def see_last(home_id: str, request: Request, visit: Visitor, desk: OnDesk) -> Response:
        """The newest reading of each measurement of each device, of those kept as they came."""
        scope = desk.scope_of(allowed(visit, Action.SEE_READINGS))
        home = await read(desk, lambda work: _seen(work, desk, scope, home_id))
        last = await anyio.to_thread.run_sync(series.last, home.id, desk.clock.now_ms())
        await anyio.to_thread.run_sync(note, desk, deed_of(request, visit))
        units = {point.measurement: SPECS[Measurement(point.measurement)].unit for point in last}
        return reply(
            LastReadings(home.id, [LastReading(*point, units[point.measurement]) for point in last])
        )

    @router.get("/{home_id}/readings", responses=answer(HomeReadings))
    async def see_readings(
        home_id: str,
        measurement: Annotated[Measurement, Query()],
        request: Request,
        visit: Visitor,
        desk: OnDesk,
        from_ms: Annotated[int | None, Query(alias="from", ge=0, le=MS_MAX)] = None,
        to_ms: Annotated[int | None, Query(alias="to", ge=1, le=MS_MAX)] = None,
        buckets: Annotated[int, Query(ge=1, le=BUCKETS_MAX)] = 96,
    ) -> Response:
        """One measurement in equal buckets, by device; without from and to the last 24 hours.
        A year at most, long ago in whole hours: the answer says which span it is of."""
        scope = desk.scope_of(allowed(visit, Action.SEE_READINGS))
        now_ms = desk.clock.now_ms()
        end_ms = now_ms if to_ms is None else to_ms
        start_ms = end_ms - DAY_MS if from_ms is None else from_ms
        start_ms = max(0, end_ms - SPAN_MS_MAX, min(start_ms, end_ms - 1))

        home = await read(desk, lambda work: _seen(work, desk, scope, home_id))
        width_ms = -(-(end_ms - start_ms) // buckets)
        wished = Wish(home.id, measurement, start_ms, width_ms, buckets)
        wish = as_drawn(wished, now_ms, series.keeping)
        # Behind the transaction: the time series may be another server, and a slow one.
        traces = await anyio.to_thread.run_sync(series.buckets, wish, now_ms)
        await anyio.to_thread.run_sync(note, desk, deed_of(request, visit))
        unit = SPECS[measurement].unit
        return reply(
            HomeReadings(
                home.id,
                measurement.value,
                unit,
                wish.from_ms,
                wish.to_ms,
                wish.width_ms,
                traces,
            )
        )


def _add_account(router: APIRouter, series: TimeSeries) -> None:
    @router.get("/{home_id}/readings/export", responses=FILES)
    async def export_readings(
        home_id: str, request: Request, visit: Visitor, desk: OnDesk, form: Form = Form.CSV
    ) -> Response:
        """Everything that is kept of a home's readings, as a file: for a resident who asks for
        it."""
        scope = desk.scope_of(allowed(visit, Action.EXPORT_READINGS))
        home = await read(desk, lambda work: _seen(work, desk, scope, home_id))
        pieces = written(account_of(series, home.id, desk.clock.now_ms()), form)
        head = await anyio.to_thread.run_sync(lambda: list(islice(pieces, 2)))  # it is there
        # Nobody waits for help here: it is written down before the first byte leaves.
        deed = deed_of(request, visit, {"form": form.value})
        await anyio.to_thread.run_sync(desk.store.write, partial(audit.write_down, deed=deed))
        named = f'attachment; filename="readings-{home.id}.{form}"'
        return StreamingResponse(
            chain(head, pieces),
            media_type=MEDIA_TYPE[form],
            headers={"content-disposition": named},
        )

    @router.delete("/{home_id}/readings", responses=answer(Entered))
    async def erase_readings(
        home_id: str, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """Every reading of a home, for good. It is done within minutes, or as soon as the time
        series is there."""
        scope = desk.scope_of(allowed(visit, Action.ERASE_READINGS))

        def erase(work: Work) -> Entered:
            _seen(work, desk, scope, home_id)
            return Entered(erase_home_readings(work, home_id))

        return await command(request, desk, visit, erase)


def _seen(work: Work, desk: Desk, scope: Scope, home_id: str) -> HomeCard:
    """The home, where it is for the scope's eyes. Raises OutOfScope, NotFound."""
    bounds.require(work, scope, "home", home_id)
    home = desk.registry.home_card(home_id)
    if home is None:
        raise NotFound("home", home_id)
    return home
