"""Fixtures of the tests that use real servers."""

from tests.brokers import broker, hands, mosquitto, rumqttd

__all__ = ["broker", "hands", "mosquitto", "rumqttd"]
