"""What the embedded brokers are told: texts, nothing else. config/mosquitto/ explains the keys."""

import getpass
from enum import StrEnum
from pathlib import Path
from typing import Final

PACKET_BYTES_MAX: Final = 2 * 1024 * 1024  # a real bridge/devices is large
INFLIGHT_MAX: Final = 100
QUEUED_BYTES_MAX: Final = 256 * 1024 * 1024  # for each client that is away
SEGMENT_BYTES_MAX: Final = 16 * 1024 * 1024
CONNECTIONS_MAX: Final = 2_000


class BrokerKind(StrEnum):
    """The two brokers that can stand inside."""

    MOSQUITTO = "mosquitto"
    RUMQTTD = "rumqttd"


def config_text(kind: BrokerKind, port: int, data: Path) -> str:
    """For a broker on 127.0.0.1 that keeps its files in `data`."""
    return _mosquitto(port, data) if kind is BrokerKind.MOSQUITTO else _rumqttd(port)


def _mosquitto(port: int, data: Path) -> str:
    """`user` only matters to root, whose Mosquitto else runs as one who cannot write `data`."""
    return f"""\
user {getpass.getuser()}
listener {port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
persistence true
persistence_location {data}/
persistence_file mosquitto.db
autosave_on_changes true
autosave_interval 1
max_queued_messages 0
max_queued_bytes {QUEUED_BYTES_MAX}
max_inflight_messages {INFLIGHT_MAX}
max_packet_size {PACKET_BYTES_MAX}
connection_messages false
log_dest stderr
log_type error
log_type warning
log_type notice
"""


def _rumqttd(port: int) -> str:
    return f"""\
id = 0
[router]
id = 0
max_connections = {CONNECTIONS_MAX}
max_outgoing_packet_count = 200
max_segment_size = {SEGMENT_BYTES_MAX}
max_segment_count = 16
[v5.1]
name = "v5"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = {PACKET_BYTES_MAX}
max_inflight_count = {INFLIGHT_MAX}
dynamic_filters = true
"""
