"""A process that writes the feed until it is killed: `python -m tests.ports.feed_writer URL NAME`.
Each transaction sets a timer and tells the feed; what is committed is printed."""

import itertools
import sys

from cloud.clock import SystemClock
from cloud.durable import feed
from cloud.durable.feed import Entry
from cloud.durable.timers import Timers
from cloud.pumps import Signal
from cloud.storage.engine import open_engine
from cloud.storage.store import Store
from cloud.storage.unit import Work


def main(url: str, name: str) -> None:
    """For ever."""
    timers = Timers(Signal())
    store = Store(
        open_engine(url, writes=True),
        open_engine(url, writes=False),
        SystemClock(),
        finishers=[feed.seal(_tell)],
    )
    for number in itertools.count():
        thing = f"{name}-{number}"

        def change(work: Work, thing: str = thing) -> None:
            timers.set(work, "test", thing, work.now_ms)
            feed.put(work, "alarms", thing, 1, b"{}")

        store.write(change)


def _tell(entry: Entry) -> None:
    sys.stdout.write(f"{entry.seq} {entry.ops[0].id}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
