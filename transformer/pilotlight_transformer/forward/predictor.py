"""The pipeline's port ``Predictor``: the questions that steps have of their own."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from pilotlight.errors import BadGateway, DeadlineExceeded, RequestError, Unavailable
from pilotlight_transformer.forward.health import AlwaysHealthy, TargetHealth, tell
from pilotlight_transformer.forward.onward import render_request
from pilotlight_transformer.forward.pools import Pools
from pilotlight_transformer.pipeline.target import Target

MAX_ANSWER_BYTES = 64 * 2**20
_HEADERS = ((b"content-type", b"application/json"), (b"accept", b"application/json"))


class PredictorClient:
    """Asks the default predictor, or another one, for a JSON object."""

    def __init__(self, pools: Pools, default: Target, health: TargetHealth | None = None) -> None:
        self._pools = pools
        self._default = default
        self._health = health or AlwaysHealthy()

    async def ask(
        self,
        path: str,
        document: Mapping[str, Any],
        timeout_s: float,
        target: Target | None = None,
    ) -> dict[str, Any]:
        """POST a JSON object. See :class:`~pilotlight_transformer.pipeline.step.Predictor`."""
        asked = target or self._default
        body = orjson.dumps(dict(document))
        data = render_request("POST", path, b"", asked.host_header, _HEADERS, body)
        if not self._health.allows(asked.name):
            raise Unavailable(f"{asked.name} failed a moment ago: it is left alone for a while")
        try:
            async with asyncio.timeout(timeout_s):
                status, answer = await self._exchange(asked, data)
        except TimeoutError:
            self._health.failed(asked.name)
            raise DeadlineExceeded(
                f"{asked.name} did not answer {path} within {timeout_s:g} s"
            ) from None
        except RequestError as error:
            tell(self._health, asked.name, error)
            raise Unavailable(f"{asked.name} did not answer {path}: {error.message}") from None
        except BaseException as error:
            tell(self._health, asked.name, error)
            raise
        if status in {502, 503}:
            self._health.failed(asked.name)
        else:
            self._health.succeeded(asked.name)
        return _object(asked.name, path, status, answer)

    async def _exchange(self, target: Target, data: bytes) -> tuple[int, bytes]:
        pool, _ = self._pools.of(target)
        response = (await pool.take()).send(data)
        try:
            await response.ready
            pieces, size = [], 0
            async for piece in response:
                size += len(piece)
                if size > MAX_ANSWER_BYTES:
                    raise BadGateway(f"its answer is over {MAX_ANSWER_BYTES} bytes")
                pieces.append(piece)
            return response.status, b"".join(pieces)
        finally:
            response.close()


def _object(name: str, path: str, status: int, answer: bytes) -> dict[str, Any]:
    if status != 200:
        raise Unavailable(f"{name} answered {path} with status {status}")
    try:
        document = orjson.loads(answer)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise Unavailable(f"{name} answered {path} with what is no JSON object")
    return document
