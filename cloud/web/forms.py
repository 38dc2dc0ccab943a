"""Bodies that the registry's own entries describe: decoded here, told to the OpenAPI document."""

from typing import Any, Final, TypeVar

import msgspec
from fastapi import Request

from cloud.identity.errors import Malformed
from cloud.web.shapes import REF

T = TypeVar("T")
NUL: Final = b"\\u0000"  # no database keeps it in a text


def form(shape: type[Any]) -> dict[str, Any]:
    """For a route's `openapi_extra`: its body is of this shape."""
    schema = {"$ref": REF.format(name=shape.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


async def entered(request: Request, shape: type[T]) -> T:
    """The body. Raises Malformed, naming the place."""
    body = await request.body()
    if NUL in body:
        raise Malformed("a text has a NUL character")
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:  # also where the shape is another
        raise Malformed(str(error)) from error
