"""The floor of `anju bench press`: the same two hops, commits and socket with nothing else done, in
processes of their own: `python -m anju.floor edge HOME_PORT CLOUD_PORT FOLDER`, `python -m
anju.floor cloud PORT FOLDER`."""

import asyncio
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import paho.mqtt.client as paho
from fastapi import FastAPI, WebSocket
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import text

from anju.stop import Stop
from cloud.storage.engine import open_engine
from cloud.web.serving import HttpServer
from device_simulators.mqtt import send_at_once
from edge.journal.schema import connect

HOST: Final = "127.0.0.1"
PRESS: Final = "floor/press"
UP: Final = "floor/up"
TABLE: Final = "CREATE TABLE IF NOT EXISTS press (n INTEGER PRIMARY KEY, body BLOB NOT NULL)"
INSERT: Final = "INSERT INTO press (body) VALUES (:body)"


class Hop:
    """Takes messages of a topic; `commit` makes one durable, then it is acknowledged and handed
    on."""

    def __init__(
        self,
        name: str,
        port: int,
        topic: str,
        commit: Callable[[bytes], None],
        then: Callable[[bytes], object],
    ) -> None:
        self._commit, self._then = commit, then
        self._queue: queue.SimpleQueue[paho.MQTTMessage | None] = queue.SimpleQueue()
        self._client = client(name)
        self._client.on_message = lambda _client, _data, message: self._queue.put(message)
        self._client.connect(HOST, port)
        self._client.subscribe(topic, 1)
        self._client.loop_start()

    def run(self) -> None:
        """Until `stop`."""
        while (message := self._queue.get()) is not None:
            payload = bytes(message.payload)
            self._commit(payload)
            self._client.ack(message.mid, 1)
            self._then(payload)

    def stop(self) -> None:
        """From another thread."""
        self._client.disconnect()
        self._client.loop_stop()
        self._queue.put(None)


def client(name: str) -> paho.Client:
    """MQTT 5, acknowledging by hand, small packets at once: as our own parts have it."""
    made = paho.Client(CallbackAPIVersion.VERSION2, name, protocol=paho.MQTTv5, manual_ack=True)
    made.on_socket_open = send_at_once
    return made


def edge(home: int, cloud: int, folder: Path) -> Hop:
    """Home broker to journal to the cloud's broker."""
    db = connect(folder / "floor-edge.db")
    db.execute(TABLE)
    up = client("floor-edge-up")
    up.connect(HOST, cloud)
    up.loop_start()

    def commit(payload: bytes) -> None:
        db.execute("BEGIN IMMEDIATE")
        db.execute(INSERT, {"body": payload})
        db.execute("COMMIT")

    return Hop("floor-edge", home, PRESS, commit, lambda payload: up.publish(UP, payload, 1))


def cloud(port: int, folder: Path) -> tuple[Hop, HttpServer]:
    """The cloud's broker to the store to every open socket."""
    engine = open_engine(f"sqlite:///{folder / 'floor-cloud.db'}", writes=True)
    with engine.begin() as connection:
        connection.execute(text(TABLE))
    sockets: dict[asyncio.Queue[bytes], asyncio.AbstractEventLoop] = {}
    app = FastAPI()

    @app.websocket("/feed")
    async def feed(socket: WebSocket) -> None:
        await socket.accept()
        mine: asyncio.Queue[bytes] = asyncio.Queue()
        sockets[mine] = asyncio.get_running_loop()
        while True:
            await socket.send_text((await mine.get()).decode())

    def commit(payload: bytes) -> None:
        with engine.begin() as connection:
            connection.execute(text(INSERT), {"body": payload})

    def tell(payload: bytes) -> None:
        for each, loop in sockets.items():
            loop.call_soon_threadsafe(each.put_nowait, payload)

    server = HttpServer(HOST, 0)
    server.start(app)
    return Hop("floor-cloud", port, UP, commit, tell), server


def main(words: Sequence[str]) -> int:
    """Until SIGTERM."""
    part, *rest = words
    folder = Path(rest[-1])
    server: HttpServer | None = None
    if part == "edge":
        hop = edge(int(rest[0]), int(rest[1]), folder)
        print("anju: floor", flush=True)
    else:
        hop, server = cloud(int(rest[0]), folder)
        print(f"anju: floor {server.port}", flush=True)
    worker = threading.Thread(target=hop.run, name="floor")
    with Stop() as stop:
        worker.start()
        stop.wait()
        hop.stop()
        worker.join()
    if server is not None:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
