"""What is measured, by Prometheus' names and units, and how fine. One label each."""

from typing import Final, NamedTuple

# What machines do: from the 5 ms of a commit to the minute in which a cut link comes back.
MACHINE_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
# What people do; 30, 90 and 900 s are the targets of cloud/alarms/model.py.
PEOPLE_S: Final = (5.0, 10.0, 20.0, 30.0, 60.0, 90.0, 180.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
MESSAGES: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)


class Measure(NamedTuple):
    """A histogram. bounds: upper ends of its buckets, in the unit that its name ends with."""

    name: str
    text: str
    label: str
    bounds: tuple[float, ...]


HOP: Final = Measure(
    "anju_alarm_hop_seconds", "Time of one hop of an alarm between machines", "hop", MACHINE_S
)
STEP: Final = Measure(
    "anju_alarm_step_seconds",
    "Time from the raising of an alarm to what people do about it",
    "step",
    PEOPLE_S,
)
COMMIT: Final = Measure(
    "anju_store_commit_seconds",
    "Time of one transaction of the writer until it is durable",
    "priority",
    MACHINE_S,
)
GROUP: Final = Measure(
    "anju_ingest_group_messages", "Messages in one group commit of ingest", "source", MESSAGES
)
TIMER_LATE: Final = Measure(
    "anju_timer_late_seconds",
    "How long after its time a durable timer was carried out",
    "kind",
    MACHINE_S,
)
MEASURES: Final = (HOP, STEP, COMMIT, GROUP, TIMER_LATE)
