"""The embedded broker as a child: it starts, comes back, ends with us, and says what is wrong."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anju.broker import (
    HOST,
    BrokerProcess,
    EmbeddedBroker,
    answers,
    free_port,
    installed_kind,
    mosquitto_program,
)
from anju.broker_config import BrokerKind
from anju.errors import BrokerFailed
from tests.needs import require
from tests.waiting import eventually

PARENT = """
import sys
from pathlib import Path
from anju.broker import EmbeddedBroker
from anju.broker_config import BrokerKind
broker = EmbeddedBroker(Path(sys.argv[1]), kind=BrokerKind(sys.argv[2]))
broker.start()
print(broker.port, flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=list(BrokerKind), ids=str)
def kind(request) -> BrokerKind:
    if request.param is BrokerKind.MOSQUITTO:
        require("mosquitto")
    return request.param


@pytest.fixture
def embedded(tmp_path: Path, kind: BrokerKind) -> Iterator[EmbeddedBroker]:
    broker = EmbeddedBroker(tmp_path, kind=kind)
    broker.start()
    yield broker
    broker.stop()


def test_it_accepts_a_connection_as_soon_as_it_has_started(embedded):
    assert answers(embedded.port)


def test_it_listens_on_this_machine_only(embedded):
    listeners = Path("/proc/net/tcp").read_text().splitlines()
    port = f":{embedded.port:04X}"

    ours = [line.split()[1] for line in listeners[1:] if line.split()[1].endswith(port)]

    assert set(ours) == {f"0100007F{port}"}


def test_it_is_started_again_when_it_dies(embedded):
    before = embedded.pid

    os.kill(before, signal.SIGKILL)

    eventually(lambda: embedded.restarts == 1)
    assert embedded.pid not in (None, before)
    assert answers(embedded.port)


def test_it_ends_when_it_is_stopped_and_not_before(embedded):
    embedded.stop()

    assert embedded.pid is None
    assert not answers(embedded.port)


def test_it_dies_with_a_parent_that_is_killed(tmp_path, kind):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), str(kind)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline())
        assert answers(port)

        parent.kill()

        eventually(lambda: not answers(port), what="the broker's end")


def test_mosquitto_goes_on_where_it_was_after_a_stop(tmp_path, hands):
    require("mosquitto")
    first = EmbeddedBroker(tmp_path, kind=BrokerKind.MOSQUITTO)
    first.start()
    hands(first, "edge").connect().subscribe("t").drop()
    hands(first, "bridge").connect().publish("t", b"sos")
    first.stop()

    second = EmbeddedBroker(tmp_path, first.port, BrokerKind.MOSQUITTO)
    second.start()

    assert hands(second, "edge").connect().take().payload == b"sos"
    second.stop()


def test_a_port_that_is_taken_is_named(tmp_path, kind):
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(BrokerFailed, match=f"port {port} .*in use.* give another port"):
            EmbeddedBroker(tmp_path, port, kind).start()


def test_a_folder_that_cannot_be_written_is_named(tmp_path, kind):
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "broker"

    with pytest.raises(BrokerFailed, match=f"cannot write its folder {folder}"):
        EmbeddedBroker(folder, kind=kind).start()


def test_a_program_that_fails_is_heard(tmp_path, monkeypatch):
    program = tmp_path / "mosquitto"
    program.write_text("#!/bin/sh\necho 'Error: no such option'\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    with pytest.raises(BrokerFailed, match=r"(?s)ended with code 3.*no such option"):
        EmbeddedBroker(tmp_path / "data", kind=BrokerKind.MOSQUITTO).start()


def test_rumqttd_takes_the_place_of_a_mosquitto_that_is_not_installed(tmp_path):
    assert mosquitto_program(str(tmp_path)) is None
    assert installed_kind(str(tmp_path)) is BrokerKind.RUMQTTD


def test_stopping_what_never_started_does_nothing(tmp_path):
    process = BrokerProcess(tmp_path, free_port(), BrokerKind.RUMQTTD)

    process.stop()
    process.kill()

    assert process.pid is None
    assert process.tail() == ""


def test_nobody_answers_on_a_port_where_nobody_listens():
    assert not answers(free_port())
