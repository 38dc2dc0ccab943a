"""The questions to InfluxDB, in Flux. Pure.

A reading is a point of measurement `reading`, field `v`; an hour one of measurement `hour` with a
field for each figure, at its beginning. Both have the tags home, device and measurement.
"""

from collections.abc import Sequence
from typing import Final

from cloud.timeseries.model import Span, Wish

NS: Final = 1_000_000  # in a millisecond
FIGURES: Final = {  # of an hour or a bucket: how readings make it, how hours do
    "n": ("count", "sum"),
    "total": ("sum", "sum"),
    "low": ("min", "min"),
    "high": ("max", "max"),
    "first": ("first", "first"),
    "last": ("last", "last"),
}
DRAWN: Final = ("n", "total", "low", "high", "last")
_IN_FLUX: Final = str.maketrans({'"': r"\"", "\\": r"\\", "$": r"\$", "\n": r"\n"})


def quoted(text: str) -> str:
    """As a string of Flux, without the quotes around it."""
    return text.translate(_IN_FLUX)


def of_home(bucket: str, home: str, span: Span) -> str:
    """A home's readings."""
    return _readings(bucket, span) + f' |> filter(fn: (r) => r.home == "{quoted(home)}")'


def hours_of_home(bucket: str, home: str, span: Span) -> str:
    """A home's hours, one row each with its figures."""
    return (
        f'{_points(bucket, "hour", span)} |> filter(fn: (r) => r.home == "{quoted(home)}")'
        ' |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
    )


def bucketed_readings(bucket: str, wish: Wish, span: Span) -> str:
    """The figures of a wish's buckets from readings, each under its name."""
    chosen = of_home(bucket, wish.home, span) + _chosen(wish.measurement.value, wish.believed)
    return _yields(chosen, {name: f"|> {_window(wish, FIGURES[name][0])}" for name in DRAWN})


def bucketed_hours(bucket: str, wish: Wish, span: Span) -> str:
    """As bucketed_readings, from hours."""
    home, measurement = quoted(wish.home), wish.measurement.value
    chosen = _points(bucket, "hour", span) + (
        f' |> filter(fn: (r) => r.home == "{home}" and r.measurement == "{measurement}")'
    )
    return _yields(
        chosen,
        {
            name: f'|> filter(fn: (r) => r._field == "{name}") |> {_window(wish, FIGURES[name][1])}'
            for name in DRAWN
        },
    )


def oldest(bucket: str) -> str:
    """The oldest reading of all, if there is one."""
    of_each = _readings(bucket, Span(0, 2**43)) + ' |> first() |> keep(columns: ["_time"])'
    return of_each + ' |> group() |> min(column: "_time")'


def measurements(bucket: str, span: Span) -> str:
    """Which measurements have readings in a span."""
    return (
        'import "influxdata/influxdb/schema"\n'
        f'schema.tagValues(bucket: "{quoted(bucket)}", tag: "measurement",'
        f' predicate: (r) => r._measurement == "reading", {_span(span)})'
    )


def make_hours(
    source: str,
    target: tuple[str, str],
    measurement: str,
    believed: tuple[float, float] | None,
    span: Span,
    home: str | None,
    without: Sequence[str] = (),
) -> str:
    """Hours of one measurement, written by the server itself. target: organisation and bucket;
    without: homes that are left out."""
    org, bucket = map(quoted, target)
    tags = '["home", "device", "measurement"]'
    windows = 'createEmpty: false, timeSrc: "_start"'
    readings = _readings(source, span) if home is None else of_home(source, home, span)
    return _yields(
        readings + "".join(_not_of(each) for each in without) + _chosen(measurement, believed),
        {
            name: f"|> aggregateWindow(every: 1h, fn: {made}, {windows})"
            f' |> set(key: "_measurement", value: "hour") |> set(key: "_field", value: "{name}")'
            f' |> to(bucket: "{bucket}", org: "{org}", tagColumns: {tags})'
            ' |> keep(columns: ["_time"]) |> group() |> limit(n: 1)'  # the answer says nothing
            for name, (made, _) in FIGURES.items()
        },
    )


def odd_homes(bucket: str, measurement: str, believed: tuple[float, float], span: Span) -> str:
    """Homes with a reading that is not believed."""
    low, high = map(float, believed)
    found = '|> keep(columns: ["home"]) |> group() |> distinct(column: "home")'
    found += ' |> rename(columns: {_value: "home"})'
    return _yields(
        _readings(bucket, span) + _chosen(measurement, None),
        {
            "low": f"|> min() |> filter(fn: (r) => r._value < {low!r}) {found}",
            "high": f"|> max() |> filter(fn: (r) => r._value > {high!r}) {found}",
        },
    )


def _not_of(home: str) -> str:
    return f' |> filter(fn: (r) => r.home != "{quoted(home)}")'


def _points(bucket: str, kind: str, span: Span) -> str:
    return (
        f'from(bucket: "{quoted(bucket)}") |> range({_span(span)})'
        f' |> filter(fn: (r) => r._measurement == "{kind}")'
    )


def _readings(bucket: str, span: Span) -> str:
    return _points(bucket, "reading", span) + ' |> filter(fn: (r) => r._field == "v")'


def _span(span: Span) -> str:
    start, stop = (f"time(v: {ms * NS})" for ms in span)
    return f"start: {start}, stop: {stop}"


def _chosen(measurement: str, believed: tuple[float, float] | None) -> str:
    text = f' |> filter(fn: (r) => r.measurement == "{measurement}")'
    if believed is None:
        return text
    low, high = map(float, believed)
    return text + f" |> filter(fn: (r) => r._value >= {low!r} and r._value <= {high!r})"


def _window(wish: Wish, made: str) -> str:
    every, offset = f"{wish.width_ms}ms", f"{wish.from_ms % wish.width_ms}ms"
    return (
        f"aggregateWindow(every: {every}, offset: {offset}, fn: {made}, createEmpty: false,"
        ' timeSrc: "_start")'
    )


def _yields(chosen: str, by_name: dict[str, str]) -> str:
    """One question for each, from the beginning: what several share, Flux reads point by point."""
    return "\n".join(
        f'{chosen} {steps} |> yield(name: "{name}")' for name, steps in by_name.items()
    )
