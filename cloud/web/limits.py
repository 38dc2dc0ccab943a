"""How much of a request is read: what pages send is short, and nobody signs in with megabytes."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES_MAX: Final = 64 * 1024  # the longest note, escaped, is a third of it


class BodyLimit:
    """Answers 413 as soon as a body is longer, however it is sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on; counts on the way what is read of a body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > BODY_BYTES_MAX:
                raise HTTPException(413, f"a request carries at most {BODY_BYTES_MAX} bytes")
            return message

        await self._app(scope, limited, send)
