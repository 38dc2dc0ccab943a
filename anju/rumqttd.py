"""The fallback broker's process: rumqttd, out of the PyPI package iotcore, on our TOML file."""

import logging
import sys

from iotcore import IotCoreBroker


def main(config: str) -> None:
    """Serves until stopped. rumqttd logs its spans as errors, several a packet: shut off."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    IotCoreBroker(config_path=config).run_forever()


if __name__ == "__main__":
    main(sys.argv[1])
