"""A cell's broker as we ship it: config/mosquitto/cloud.conf on a real Mosquitto, with both CAs.

Fixture `cell`. `cell.gateway("gw-aaaa")` gives a client with a good certificate; what an attacker
has is made of `cell.files(…)` and the hands' own options.
"""

import os
import queue
import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.x509 import Certificate
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from anju.broker import HOST
from anju.cell import CellBroker
from cloud.clock import SystemClock
from cloud.fleet.authority import GATEWAYS, SERVICES, gateways_of, services_of
from cloud.fleet.certificates import Kind, key_pem, new_key, pem
from cloud.ingest.mqtt import BrokerAddress, TlsFiles
from tests.needs import require
from tests.waiting import eventually

WAIT_S: Final = 10.0
SILENCE_S: Final = 0.3


class Files(NamedTuple):
    """A certificate and its key on disk; None: shows none."""

    certificate: Path | None
    key: Path | None


NOTHING: Final = Files(None, None)


class Broker(CellBroker):
    """One that a test may tell to read its list again."""

    def reload(self) -> None:
        """As `systemctl reload mosquitto` does, and until it is done."""
        before = self._reloads()
        os.kill(int(self.pid_file.read_text()), signal.SIGHUP)
        eventually(lambda: self._reloads() > before, WAIT_S, "the reload")

    def _reloads(self) -> int:
        return self._log_file.read_text().count("Reloading config.")


class Cell:
    """Both CAs, the broker, and the clients of a test."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.clock = folder, SystemClock()
        self.ca_dir = folder / "ca"
        self.gateways = gateways_of(self.ca_dir, self.clock)
        self.services = services_of(self.ca_dir, self.clock)
        self.gateways.create("Test gateways")
        self.services.create("Test services")
        self._hands: list[TlsHand] = []
        (folder / "broker").mkdir()
        self.broker = Broker(folder / "broker")
        server = self.sign(Kind.SERVER, "localhost", HOST)
        for source, target in (
            (server.certificate, "server.pem"),
            (server.key, "server.key"),
            (self.ca_dir / GATEWAYS / "ca.pem", "gateways-ca.pem"),
            (self.ca_dir / SERVICES / "ca.pem", "services-ca.pem"),
            (self.ca_dir / GATEWAYS / "crl.pem", "gateways-crl.pem"),
            (self.ca_dir / SERVICES / "crl.pem", "services-crl.pem"),
        ):
            assert source is not None
            (folder / "broker" / target).write_bytes(source.read_bytes())

    @property
    def crl_file(self) -> Path:
        """Where the broker reads it."""
        return self.broker.crl_file

    @property
    def ca_file(self) -> Path:
        """By which everybody knows the broker."""
        return self.ca_dir / SERVICES / "ca.pem"

    def sign(self, kind: Kind, *names: str) -> Files:
        """A good certificate and its key."""
        key = new_key()
        by = self.gateways if kind is Kind.GATEWAY else self.services
        return self.keep(by.sign(key.public_key(), kind, names), key)

    def keep(self, certificate: Certificate, key: EllipticCurvePrivateKey) -> Files:
        """Two files."""
        stem = self.folder / f"{certificate.serial_number:x}"
        files = Files(stem.with_suffix(".pem"), stem.with_suffix(".key"))
        assert files.certificate is not None
        assert files.key is not None
        files.certificate.write_text(pem(certificate))
        files.key.write_bytes(key_pem(key))
        return files

    def address(self, files: Files) -> BrokerAddress:
        """The services' listener."""
        tls = TlsFiles(self.ca_file, files.certificate, files.key)
        return BrokerAddress(HOST, self.broker.services_port, tls=tls)

    def hand(self, files: Files, client_id: str, port: int = 0, **options) -> "TlsHand":
        """Not yet connected; on the gateways' listener."""
        hand = TlsHand(self, files, client_id, port or self.broker.port, **options)
        self._hands.append(hand)
        return hand

    def gateway(self, name: str) -> "TlsHand":
        """With a good certificate, connected."""
        return self.hand(self.sign(Kind.GATEWAY, name), name).connect()

    def service(self, client_id: str = "test-ingest") -> "TlsHand":
        """One of ours, connected, that hears everything it may."""
        files = self.sign(Kind.SERVICE, "svc-test")
        hand = self.hand(files, client_id, self.broker.services_port)
        return hand.connect().subscribe("#")

    def close(self) -> None:
        """All of it."""
        for hand in self._hands:
            hand.close()
        self.broker.stop()


class TlsHand:
    """A client that shows what it is told to show, and never reconnects."""

    def __init__(
        self,
        cell: Cell,
        files: Files,
        client_id: str,
        port: int,
        *,
        username: str | None = None,
        will: str | None = None,
        protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5,
    ) -> None:
        self.inbox: queue.SimpleQueue[MQTTMessage] = queue.SimpleQueue()
        self.answer: str | None = None  # to CONNECT
        self.is_gone = False
        self.published: dict[int, str] = {}  # mid → reason code
        self._port, self._subscribed = port, set[int]()
        self.client = Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=protocol, reconnect_on_failure=False
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cell.ca_file)
        if files.certificate is not None:
            context.load_cert_chain(files.certificate, files.key)
        self.client.tls_set_context(context)
        if username is not None:
            self.client.username_pw_set(username, "x")
        if will is not None:
            self.client.will_set(will, b"last will", 1)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = lambda _client, _data, message: self.inbox.put(message)
        self.client.on_subscribe = lambda _c, _d, mid, _r, _p: self._subscribed.add(mid)
        self.client.on_publish = self._on_publish

    def try_to_connect(self) -> bool:
        """Whether the broker takes it."""
        self.is_gone, self.answer = False, None
        options: dict[str, Any] = {}
        self.client._reset_sockets(sockpair_only=True)  # paho's loop_start leaves the old ones open
        if self.client.protocol == MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 3600
            options = {"clean_start": False, "properties": properties}
        try:
            self.client.connect(HOST, self._port, 30, **options)
        except OSError:
            return False
        self.client.loop_start()
        eventually(lambda: self.answer is not None or self.is_gone, WAIT_S, "an answer")
        return self.answer == "Success"

    def connect(self) -> "TlsHand":
        """It must be taken."""
        assert self.try_to_connect(), self.answer
        return self

    def subscribe(self, topic: str) -> "TlsHand":
        """Until SUBACK, which says nothing about what is allowed."""
        _, mid = self.client.subscribe(topic, qos=1)
        eventually(lambda: mid in self._subscribed, WAIT_S, f"SUBACK for {topic}")
        return self

    def publish(self, topic: str, payload: bytes = b"x") -> str:
        """The broker's reason."""
        info = self.client.publish(topic, payload, qos=1)
        eventually(lambda: info.mid in self.published or self.is_gone, WAIT_S, "PUBACK")
        return self.published.get(info.mid, "connection lost")

    def drop(self) -> None:
        """The cable is pulled."""
        broken = self.client.socket()
        assert isinstance(broken, socket.socket)
        broken.shutdown(socket.SHUT_RDWR)
        eventually(lambda: self.is_gone, WAIT_S, "the end of the connection")
        self.client.loop_stop()

    def heard(self) -> list[tuple[str, bytes]]:
        """All that has come, once nothing more comes."""
        got: list[tuple[str, bytes]] = []
        while True:
            try:
                message = self.inbox.get(timeout=SILENCE_S)
            except queue.Empty:
                return got
            got.append((message.topic, bytes(message.payload)))

    def close(self) -> None:
        """In order."""
        self.client.disconnect()
        self.client.loop_stop()

    def _on_connect(self, _client, _data, _flags, reason, _properties) -> None:
        self.answer = str(reason)

    def _on_disconnect(self, _client, _data, _flags, _reason, _properties) -> None:
        self.is_gone = True

    def _on_publish(self, _client, _data, mid, reason, _properties) -> None:
        self.published[mid] = str(reason)


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    require("mosquitto")
    made = Cell(tmp_path / "cell")
    made.broker.start()
    yield made
    made.close()
