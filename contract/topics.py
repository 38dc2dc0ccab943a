"""Topics between home and cloud: anju/1/<partition>/<gateway>/up|down/<what>."""

import re
from typing import Final, NamedTuple
from zlib import crc32

from contract.errors import UnknownTopic
from contract.lanes import Lane

PARTITIONS: Final = 64  # fixed for ever: moving it would move every home's state
GATEWAY_PATTERN: Final = r"gw-[0-9a-z]{4,16}"
_UP = re.compile(rf"anju/1/(\d{{1,2}})/({GATEWAY_PATTERN})/up/(alarm|event|data|health)")
_DOWN = re.compile(rf"anju/1/(\d{{1,2}})/({GATEWAY_PATTERN})/down/(ack|cmd|config)")
UP_ALARMS: Final = ("anju/1/+/+/up/alarm", "anju/1/+/+/up/event")  # ingest's first connection
UP_DATA: Final = ("anju/1/+/+/up/data", "anju/1/+/+/up/health")  # ingest's second connection


class Up(NamedTuple):
    """Where an upward message came from."""

    partition: int
    gateway: str
    lane: Lane


def partition_of(gateway: str) -> int:
    """CRC-32 of the gateway's id modulo 64."""
    return crc32(gateway.encode()) % PARTITIONS


def up_topic(gateway: str, lane: Lane) -> str:
    """Where the edge publishes a lane."""
    return f"anju/1/{partition_of(gateway)}/{gateway}/up/{lane}"


def down_topic(gateway: str, what: str) -> str:
    """Where the cloud publishes `ack`, `cmd` or `config` for a gateway."""
    return f"anju/1/{partition_of(gateway)}/{gateway}/down/{what}"


def down_filter(gateway: str) -> str:
    """What the edge subscribes to."""
    return f"anju/1/{partition_of(gateway)}/{gateway}/down/+"


def parse_up(topic: str) -> Up:
    """Raises UnknownTopic, also where the partition is not the gateway's own."""
    match = _UP.fullmatch(topic)
    if match is None:
        raise UnknownTopic(f"'{topic}' is not an upward topic of version 1")
    partition, gateway = int(match[1]), match[2]
    if partition != partition_of(gateway):
        raise UnknownTopic(
            f"'{topic}': gateway {gateway} belongs to partition {partition_of(gateway)}"
        )
    return Up(partition, gateway, Lane(match[3]))


def parse_down(topic: str) -> str:
    """The last word of a downward topic; raises UnknownTopic."""
    match = _DOWN.fullmatch(topic)
    if match is None:
        raise UnknownTopic(f"'{topic}' is not a downward topic of version 1")
    return match[3]
