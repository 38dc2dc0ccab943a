"""What the virtual homes' devices said on the day before the demo's first start, so that pages are
not empty.

It goes through the time-series port before the cloud starts, read by the edge's own decoders. It is
no ingest: no rule sees it and no alarm comes of it, for nobody can help yesterday.
"""

import logging
from collections.abc import Iterator
from typing import Final

from cloud.durable.received import LaneKey
from cloud.timeseries.errors import Unavailable
from cloud.timeseries.model import Place, Sheet, span_at
from cloud.timeseries.port import TimeSeries
from contract.lanes import Lane, lane_of
from contract.messages import Batch, DeviceRows, RegisteredDevice, Row
from device_simulators.life import Happening, Life, first_state
from device_simulators.plan import Plan
from device_simulators.zigbee2mqtt import announcement, state_message
from edge.dialects import Hearing
from edge.meaning import Reading

log = logging.getLogger(__name__)
JOURNAL: Final = "before-the-first-start"
LONG_MS: Final = 24 * 3_600_000


def fill(series: TimeSeries, plan: Plan, hearing: Hearing, seed: int, now_ms: int) -> int:
    """How many readings were written: none where it was done before, or the store is away.

    hearing: with the shipped profiles; it is told the plan's devices here.
    """
    lane = LaneKey(plan.gateway, JOURNAL, Lane.DATA)
    try:
        series.open()
        if series.applied(lane):
            return 0
        sheet = Sheet(series.applied, span_at(now_ms, series.keeping.raw_days))
        places = {device.uid: home.id for home in plan.homes for device in home.devices}
        sheet.take(
            _batch(plan, hearing, seed, now_ms), lambda _, device: Place(places[device], device)
        )
        series.write(sheet)
        return len(sheet)
    except Unavailable as error:
        log.warning("the day before is left out: %s", error)
        return 0
    finally:
        series.close()


def _batch(plan: Plan, hearing: Hearing, seed: int, now_ms: int) -> Batch:
    _introduce(plan, hearing, seed, now_ms)
    rows: dict[str, DeviceRows] = {}
    begin_ms, seq = now_ms - LONG_MS, 0
    for one in Life(plan.homes, seed).between(begin_ms, now_ms):
        for reading in _read(plan, hearing, one):
            seq += 1
            device = rows.setdefault(reading.device, DeviceRows(reading.device, []))
            name, value = reading.measurement.value, reading.value
            device.rows.append(Row(one.at_ms - begin_ms, seq, name, value, reading.unit))
    return Batch(
        gateway=plan.gateway,
        journal=JOURNAL,
        boot=JOURNAL,
        lane=Lane.DATA.value,
        t0_ms=begin_ms,
        sent_ms=now_ms,
        devices=list(rows.values()),
        run="backlog",
    )


def _introduce(plan: Plan, hearing: Hearing, seed: int, now_ms: int) -> None:
    """What a gateway knows before the first word: its devices, and what the bridge says of them."""
    hearing.configure(
        [
            RegisteredDevice(
                id=device.uid,
                home=home.id,
                topic=f"{plan.base_topic}/{device.friendly_name}",
                is_sos=device.is_sos,
                vendor=device.vendor,
                model=device.model,
                profile=device.profile,
            )
            for home in plan.homes
            for device in home.devices
        ]
    )
    states = {device.ieee: first_state(device, seed, now_ms) for device in plan.devices()}
    for message in announcement(plan, states):
        hearing.hear(message.topic, message.payload, message.retain)


def _read(plan: Plan, hearing: Hearing, one: Happening) -> Iterator[Reading]:
    """States and samples; yesterday's presses and falls are left out, and radio quality."""
    told = {name: value for name, value in one.fields.items() if name != "linkquality"}
    message = state_message(plan.base_topic, one.device, told)
    for reading in hearing.hear(message.topic, message.payload, False).readings:
        if lane_of(reading.measurement, reading.quality) in (Lane.DATA, Lane.HEALTH):
            yield reading
