"""The client of a call over gRPC, as the pipeline sees it: it gets one message or a status."""

from collections.abc import Iterable
from typing import NoReturn

import orjson
from grpc import aio

from pilotlight.errors import NotSupported, RequestError
from pilotlight_transformer.pipeline.headers import Headers, Pair
from pilotlight_transformer.rpc.metadata import metadata_of
from pilotlight_transformer.rpc.status import PUSHBACK, code_of
from pilotlight_transformer.rpc.upstream import GRPC, Failure

RETRY_AFTER = b"retry-after"


class GrpcReply:
    """Keeps what the pipeline writes, until it can be said in gRPC's way."""

    def __init__(self) -> None:
        self._status = 0
        self._headers = Headers()
        self._pieces: list[bytes] = []
        self._cut = False

    async def start(self, status: int, headers: Iterable[Pair]) -> None:
        """Begin an answer."""
        self._status, self._headers = status, Headers(headers)

    async def write(self, data: bytes) -> None:
        """Keep a piece."""
        self._pieces.append(data)

    async def finish(self) -> None:
        """The answer is complete."""

    async def abort(self) -> None:
        """The answer never will be complete."""
        self._cut = True

    async def whole(self, status: int, headers: Iterable[Pair], body: bytes) -> None:
        """Keep an answer."""
        await self.start(status, headers)
        self._pieces = [body]

    async def say(self, context: aio.ServicerContext, failure: Failure | None) -> bytes:
        """Send metadata, and return the message that goes to the client.

        Args:
            failure: The predictor's; told unchanged if no step made another one of it.

        Raises:
            AbortError: The call ends with a status instead.
        """
        body = b"".join(self._pieces)
        if self._status == 200 and not self._cut:
            if self._headers.get(b"content-type") != GRPC:
                error = NotSupported("a step has answered this, which it can over HTTP only")
                await refuse(context, error)
            await context.send_initial_metadata(metadata_of(self._headers))
            return body
        if failure is not None and failure.error.status == self._status:
            await context.abort(failure.code, failure.error.message, failure.trailing)
        message = _message(body) or "the transformer failed"
        after = self._headers.text(RETRY_AFTER)
        trailing = metadata_of(pair for pair in self._headers if pair[0] != b"content-type")
        if after is not None and after.isdecimal():
            trailing = (*trailing, (PUSHBACK, str(int(after) * 1000)))
        await context.abort(code_of(self._status), message, trailing)
        raise AssertionError("abort raises")


async def refuse(context: aio.ServicerContext, error: RequestError) -> NoReturn:
    """End a call with the status that an error means."""
    trailing: tuple[tuple[str, str], ...] = ()
    if error.retry_after_s is not None:
        trailing = ((PUSHBACK, str(round(error.retry_after_s * 1000))),)
    await context.abort(code_of(error.status), error.message, trailing)
    raise AssertionError("abort raises")


def _message(body: bytes) -> str | None:
    """What an error's body says, in KServe's shape or in OpenAI's."""
    try:
        said = orjson.loads(body)["error"]
        text = said["message"] if isinstance(said, dict) else said
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return text if isinstance(text, str) else None
