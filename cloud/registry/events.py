"""What happened in the registry, for the rooms above."""

from msgspec import Struct


class GatewayChanged(Struct, frozen=True):
    """A gateway's homes or devices have changed: its configuration must be published again."""

    gateway_id: str
    revision: int


class DutyChanged(Struct, frozen=True):
    """A responder went on or off duty."""

    responder_id: str
    station_id: str
