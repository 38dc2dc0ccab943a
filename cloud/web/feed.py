"""The live feed's socket: one for each page. The hub decides what it gets; this carries it."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

import anyio.to_thread
import msgspec
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from cloud.durable import feed as log
from cloud.identity.audit import Deed
from cloud.identity.errors import NotSignedIn
from cloud.identity.front_door import Visit
from cloud.identity.policy import Role
from cloud.identity.scope import Scope, scope_of
from cloud.live.hub import Hub, Listener
from cloud.live.messages import (
    Delta,
    FeedOp,
    FeedRow,
    HelloMessage,
    Resume,
    Seen,
    ServerMessage,
    Snapshot,
    Subscribe,
    Trouble,
    Welcome,
    decode,
    encode,
)
from cloud.storage.unit import Work
from cloud.web.desk import Desk, desk_of, is_own_origin, note, source_of, visit_of

HELLO_S_MAX: Final = 10.0
BEAT_S: Final = 2.0
SESSION_CHECK_S: Final = 60.0
RESUME_MAX: Final = 2000
CLOSE_OVERFLOW: Final = 4008
CLOSE_NOT_SIGNED_IN: Final = 4401
CLOSE_ORIGIN: Final = 4403
CLOSE_NO_HELLO: Final = 4408
Rows = Callable[[Work, Scope], list[FeedRow]]


def routes(rows: Rows) -> APIRouter:
    """rows: everything that a scope sees now, for snapshots."""
    router = APIRouter()

    @router.websocket("/feed")
    async def feed(socket: WebSocket) -> None:
        desk = desk_of(socket)
        await socket.accept()
        if not is_own_origin(socket):
            await socket.close(CLOSE_ORIGIN)
            return
        line = _Line(socket, desk, rows)
        try:
            await line.serve()
        except WebSocketDisconnect:
            pass
        finally:
            desk.hub.leave(line.listener)

    return router


class _Line:
    """One connection."""

    def __init__(self, socket: WebSocket, desk: Desk, rows: Rows) -> None:
        self._socket, self._desk, self._rows = socket, desk, rows
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._hub: Hub = desk.hub
        self.listener = Listener(Scope(frozenset(), None, frozenset()), self._wake)

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server is stopping
            self._loop.call_soon_threadsafe(self._news.set)

    async def serve(self) -> None:
        """Until either side leaves."""
        try:
            first = await asyncio.wait_for(self._receive(), HELLO_S_MAX)
        except TimeoutError:
            first = None
        if not isinstance(first, HelloMessage):
            await self._socket.close(CLOSE_NO_HELLO)
            return
        try:
            visit = await self._visit(first)
        except NotSignedIn:
            await self._socket.close(CLOSE_NOT_SIGNED_IN)
            return
        await self._welcome(visit)
        sender = asyncio.create_task(self._send_all(visit))
        try:
            await self._listen(visit)
        finally:
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect):
                await sender

    async def _visit(self, hello: HelloMessage) -> Visit:
        if hello.token is None:
            return await visit_of(self._socket, self._desk)
        return await anyio.to_thread.run_sync(self._desk.front_door.visit, hello.token)

    async def _welcome(self, visit: Visit) -> None:
        now_ms = self._desk.clock.now_ms()
        self.listener.account_id = visit.account.id
        self.listener.is_console = visit.account.role is Role.OPERATOR
        self.listener.acked_ms = now_ms
        epoch, seq = await anyio.to_thread.run_sync(self._desk.store.read, log.head)
        account = msgspec.to_builtins(visit.account)
        await self._send(Welcome(epoch, seq, BEAT_S, now_ms, self._desk.build, account))

    async def _listen(self, visit: Visit) -> None:
        while True:
            message = await self._receive()
            if isinstance(message, Seen):
                self._note(message)
            elif isinstance(message, Subscribe):
                await self._subscribe(visit, message)
            else:
                await self._send(Trouble("malformed"))

    def _note(self, seen: Seen) -> None:
        self.listener.acked_seq = seen.seq
        self.listener.acked_ms = self._desk.clock.now_ms()
        self.listener.is_visible, self.listener.is_audible = seen.visible, seen.audio_ok

    async def _subscribe(self, visit: Visit, wish: Subscribe) -> None:
        self.listener.scope = await anyio.to_thread.run_sync(
            scope_of, self._desk.registry, visit.account, wish.topics
        )
        if self.listener.scope.collections:
            await anyio.to_thread.run_sync(note, self._desk, self._deed(visit))
        self._hub.join(self.listener)
        await anyio.to_thread.run_sync(self._catch_up, wish)
        self._news.set()

    def _deed(self, visit: Visit) -> Deed:
        """Following is reading: conditions and addresses come with alarms and offers."""
        account = visit.account
        topics = ",".join(sorted(self.listener.scope.collections))
        source = source_of(self._socket)
        return Deed(account.id, "follow", topics, account.area_id or "", source)

    def _catch_up(self, wish: Subscribe) -> None:
        """In a worker's thread: a snapshot or what was missed, then whatever commits meanwhile."""
        listener = self.listener
        self._hub.pause(listener)
        at, told = self._desk.store.read(lambda work: self._begin(work, wish))
        listener.sent_seq = listener.acked_seq = told
        while not self._hub.follow(listener, at, told):
            at, told = self._desk.store.read(
                lambda work, at=at, told=told: self._deltas(work, at, told)  # type: ignore[misc]
            )

    def _begin(self, work: Work, wish: Subscribe) -> tuple[int, int]:
        """Queue the first answer; up to which number it looks, and up to which it tells."""
        epoch, seq = log.head(work)
        if not _can_resume(work, wish, epoch, seq):
            rows = self._rows(work, self.listener.scope)
            self.listener.queue.append(encode(Snapshot(seq, rows)))
            return seq, seq
        since = wish.since or 0
        self.listener.queue.append(encode(Resume(from_=since + 1, to=seq)))
        return self._deltas(work, since, since)

    def _deltas(self, work: Work, at: int, told: int) -> tuple[int, int]:
        """Queue the entries above `at` that this client may see."""
        for entry in log.entries_after(work, at, RESUME_MAX):
            ops = [FeedOp.of(op) for op in entry.ops if self.listener.scope.sees(op)]
            if ops:
                skip_to = entry.seq - 1 if told < entry.seq - 1 else None
                delta = Delta(entry.seq, entry.at_ms, ops, skip_to)
                self.listener.queue.append(encode(delta))
                told = entry.seq
            at = entry.seq
        return at, told

    async def _send_all(self, visit: Visit) -> None:
        beat_at = session_at = self._loop.time()
        while True:
            now = self._loop.time()
            if now >= session_at:
                if not await self._is_session_open(visit):
                    await self._socket.close(CLOSE_NOT_SIGNED_IN)
                    return
                session_at = now + SESSION_CHECK_S
            await self._empty_queue()
            if now >= beat_at:
                now_ms = self._desk.clock.now_ms()
                if self.listener.is_following and self._hub.is_lagging(self.listener, now_ms):
                    await self._socket.close(CLOSE_OVERFLOW)
                    return
                await self._socket.send_text(self._hub.beat(self.listener, now_ms).decode())
                beat_at = now + BEAT_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), max(0.0, beat_at - self._loop.time()))
            self._news.clear()

    async def _empty_queue(self) -> None:
        queue = self.listener.queue
        while queue:
            await self._socket.send_text(queue.popleft().decode())
        self.listener.sent_seq = self.listener.last

    async def _is_session_open(self, visit: Visit) -> bool:
        return await anyio.to_thread.run_sync(self._desk.front_door.feed_is_open, visit.session_id)

    async def _receive(self) -> Any:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        return decode(message.get("text") or message.get("bytes") or b"")

    async def _send(self, message: ServerMessage) -> None:
        await self._socket.send_text(encode(message).decode())


def _can_resume(work: Work, wish: Subscribe, epoch: str, seq: int) -> bool:
    """Whether the log still holds everything behind the client's number."""
    since = wish.since
    if since is None or wish.epoch != epoch or not 0 <= since <= seq:
        return False
    if seq - since > RESUME_MAX:
        return False
    oldest = log.oldest(work)
    return since == seq or (oldest is not None and oldest <= since + 1)
