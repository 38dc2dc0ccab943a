"""People at their pages, as clients: HTTP for what they do, the feed's WebSocket for what they see.

For checks and simulators. They know what every page knows: addresses, a sign-in link, JSON.
"""

import http.client
import socket
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from device_simulators.errors import SimulatorError

T = TypeVar("T")
ANSWER_S: Final = 10.0
TOPICS: Final = ("alarms", "offers", "units")


class Declined(SimulatorError):
    """The server says no. code and data as it sent them."""

    def __init__(self, status: int, code: str, message: str, data: dict[str, Any]) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.data = status, code, data


class TooLong(SimulatorError):
    """What was waited for did not come in time."""


class Person:
    """Somebody who has signed in. Not for several threads at once."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._cookie, self._csrf = "", ""
        self._connection: http.client.HTTPConnection | None = None

    def use_link(self, link: str) -> dict[str, Any]:
        """Sign in with a one-time link; the account."""
        token = link.partition("#link=")[2]
        answer = self.send("POST", "/api/session/link", {"token": token})
        self._csrf = answer["csrf"]
        return cast("dict[str, Any]", answer["account"])

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """A request as our pages make it; its answer's JSON. Raises Declined."""
        headers = {"content-type": "application/json", "idempotency-key": uuid4().hex}
        if self._cookie:
            headers |= {"cookie": self._cookie, "x-csrf": self._csrf}
        status, answer, cookie = self._ask(method, path, body, headers)
        if cookie is not None:
            self._cookie = cookie.partition(";")[0]
        if status >= 400:
            error = answer.get("error", {})
            raise Declined(
                status, error.get("code", "?"), error.get("message", ""), error.get("data", {})
            )
        return answer

    def get(self, path: str) -> Any:
        """A page's question. Raises Declined."""
        return self.send("GET", path)

    def follow(self) -> "Feed":
        """What this account sees, live."""
        return Feed(self.url.replace("http", "ws", 1) + "/feed", self._cookie, self.url)

    def leave(self) -> None:
        """Close the connection; the session stands."""
        if self._connection is not None:
            self._connection.close()

    def _ask(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[int, Any, str | None]:
        try:
            return self._ask_once(method, path, body, headers)
        except (OSError, http.client.HTTPException):
            # The server closes what is idle; the idempotency key makes a second time harmless.
            return self._ask_once(method, path, body, headers)

    def _ask_once(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[int, Any, str | None]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_S)
            self._connection.connect()  # heads and bodies go out as browsers send them: at once
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = None if body is None else msgspec.json.encode(body)
        try:
            self._connection.request(method, path, data, headers)
            answer = self._connection.getresponse()
            raw = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            self._connection = None
            raise
        found = msgspec.json.decode(raw) if raw else {}
        return answer.status, found, answer.getheader("set-cookie")


class Feed:
    """The live feed of one account: things by collection and id, as the pages keep them."""

    def __init__(self, url: str, cookie: str, origin: str) -> None:
        self._things: dict[str, dict[str, Any]] = {topic: {} for topic in TOPICS}
        self._seq = 0
        self._changed = threading.Condition()
        self._is_open = True
        self._socket: ClientConnection = connect(
            url, additional_headers={"cookie": cookie, "origin": origin}, max_size=None
        )
        self._say({"t": "hello"})
        self._say({"t": "sub", "topics": list(TOPICS)})
        self._thread = threading.Thread(target=self._listen, name="feed", daemon=True)
        self._thread.start()

    @property
    def things(self) -> dict[str, dict[str, Any]]:
        """A copy of what is seen now: collection -> id -> JSON."""
        with self._changed:
            return {name: dict(each) for name, each in self._things.items()}

    def until(self, find: Callable[[dict[str, dict[str, Any]]], T | None], within_s: float) -> T:
        """The first thing that `find` finds, now or in what comes. Raises TooLong."""
        found: list[T] = []

        def look() -> bool:
            seen = find(self._things)
            if seen is not None:
                found.append(seen)
            return bool(found) or not self._is_open

        with self._changed:
            self._changed.wait_for(look, within_s)
        if not found:
            raise TooLong(f"nothing came on the feed within {within_s:g} s")
        return found[0]

    def close(self) -> None:
        """Leave."""
        self._socket.close()
        self._thread.join(ANSWER_S)

    def _say(self, message: dict[str, Any]) -> None:
        self._socket.send(msgspec.json.encode(message).decode())

    def _listen(self) -> None:
        try:
            for frame in self._socket:
                self._take(msgspec.json.decode(frame))
        except ConnectionClosed:
            pass
        with self._changed:
            self._is_open = False
            self._changed.notify_all()

    def _take(self, message: dict[str, Any]) -> None:
        with self._changed:
            if message["t"] == "snapshot":
                for row in message["rows"]:
                    self._things[row["coll"]][row["id"]] = row["v"]
            elif message["t"] == "delta":
                for op in message["ops"]:
                    self._apply(op)
            self._seq = max(self._seq, message.get("seq", 0))
            self._changed.notify_all()
        if message["t"] in ("beat", "delta", "snapshot"):
            self._say({"t": "ack", "seq": self._seq, "visible": True, "audio_ok": True})

    def _apply(self, op: dict[str, Any]) -> None:
        things = self._things.setdefault(op["coll"], {})
        if op["op"] == "put":
            things[op["id"]] = op["v"]
        else:
            things.pop(op["id"], None)
