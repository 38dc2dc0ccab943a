"""What happened in the registry, for the rooms above and for what is kept in memory."""

from msgspec import Struct


class RegistryChanged(Struct, frozen=True):
    """The registry has other content. is_wide: areas, stations, people or duty have changed."""

    revision: int
    homes: frozenset[str]
    gateways: frozenset[str]
    is_wide: bool


class GatewayChanged(Struct, frozen=True):
    """A gateway's homes or devices have changed: its configuration must be published again."""

    gateway_id: str
    revision: int


class DutyChanged(Struct, frozen=True):
    """A responder went on or off duty."""

    responder_id: str
    station_id: str
    is_on_duty: bool


class HomeForgotten(Struct, frozen=True):
    """A home that was removed can come back no more."""

    home_id: str
