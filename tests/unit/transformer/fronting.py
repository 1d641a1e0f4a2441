"""The forwarder in a test's own event loop, and a client that sends raw bytes."""

import asyncio
import json
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pilotlight.clock import SystemClock
from pilotlight_transformer.forward.forwarder import Forwarder
from pilotlight_transformer.forward.health import TargetHealth
from pilotlight_transformer.forward.limits import UpstreamLimits
from pilotlight_transformer.forward.pools import Pools
from pilotlight_transformer.forward.predictor import PredictorClient
from pilotlight_transformer.gateway import Gateway
from pilotlight_transformer.http.limits import Limits
from pilotlight_transformer.http.server import HttpServer
from pilotlight_transformer.listener import bind
from pilotlight_transformer.observer import Observer
from pilotlight_transformer.own_routes import Metrics, OwnRoutes, Phase
from pilotlight_transformer.pipeline.configuration import parse_configuration
from pilotlight_transformer.pipeline.pipeline import Pipeline
from pilotlight_transformer.pipeline.target import Target

CHAT = "/v1/chat/completions"


class Front:
    """Server, gateway and forwarder before a predictor. Use it as an async context manager.

    Args:
        target: The default predictor.
        pipeline: YAML of the list of steps, if there is to be one.
    """

    def __init__(
        self,
        target: Target,
        pipeline: str | None = None,
        *,
        limits: Limits | None = None,
        upstream: UpstreamLimits | None = None,
        health: TargetHealth | None = None,
        observers: Sequence[Observer] = (),
        metrics: Metrics | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.pools = Pools(upstream or UpstreamLimits(), tls)
        self.forwarder = Forwarder(self.pools, target, health)
        self.predictor = PredictorClient(self.pools, target, health)
        self.own = OwnRoutes(metrics)
        self.gateway = Gateway(self.forwarder, self.own, observers)
        self.http = HttpServer(self.gateway, limits or Limits())
        self._yaml = pipeline
        self.port = 0

    async def __aenter__(self) -> "Front":
        if self._yaml is not None:
            text = "pipeline:\n" + "\n".join(f"  {line}" for line in self._yaml.splitlines())
            self.gateway.inflight.replace(await self.build(text))
        self.own.phase = Phase.READY
        (listener,) = bind("127.0.0.1", 0, 1)
        self.port = listener.getsockname()[1]
        await self.http.start(listener)
        return self

    async def build(self, text: str) -> Pipeline:
        """A pipeline from a whole YAML."""
        return await Pipeline.build(
            parse_configuration(text, {}), "m", self.predictor, SystemClock()
        )

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()
        await self.pools.close()
        await self.gateway.inflight.wait_idle(5)
        await self.gateway.inflight.close()

    async def client(self) -> "RawClient":
        """A connection to it."""
        return await RawClient.connect(self.port)

    async def send(self, data: bytes) -> "RawAnswer":
        """Bytes on a connection of their own, and what is answered."""
        async with await self.client() as client:
            client.write(data)
            return await client.answer()

    async def ask(
        self, path: str = CHAT, body: object = None, method: str = "", **headers: str
    ) -> "RawAnswer":
        """A proper request on a connection of its own."""
        return await self.send(request(path, body, method, **headers))


def request(path: str = CHAT, body: object = None, method: str = "", **headers: str) -> bytes:
    """A proper request; header names are written with dashes."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = [f"{method or ('POST' if body is not None else 'GET')} {path} HTTP/1.1", "host: front"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"content-length: {len(data)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + data


def lines(*given: str, body: bytes = b"") -> bytes:
    """A request of the lines as they are."""
    return "\r\n".join([*given, "", ""]).encode("latin-1") + body


@dataclass
class RawAnswer:
    """An answer, as it came over the wire."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    whole: bool = False

    def header(self, name: str) -> str | None:
        found = [value for known, value in self.headers if known == name]
        assert len(found) < 2, f"{name} came twice"
        return found[0] if found else None

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an OpenAI-shaped error."""
        return str(self.document["error"]["code"])

    @property
    def events(self) -> list[Any]:
        """The documents of a stream's events; the last one as it is."""
        parts = [part.removeprefix(b"data: ") for part in self.body.split(b"\n\n") if part]
        return [part.decode() if part == b"[DONE]" else json.loads(part) for part in parts]


class RawClient:
    """A client's connection. Use it as an async context manager."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> "RawClient":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def __aenter__(self) -> "RawClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """End the connection at once."""
        self.writer.transport.abort()

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> RawAnswer:
        """The next answer's head."""
        async with asyncio.timeout(10):
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = text[:-4].split("\r\n")
        pairs = [(name, value) for name, _, value in (part.partition(": ") for part in rest)]
        return RawAnswer(int(line.split(" ")[1]), pairs)

    async def answer(self, *, bodyless: bool = False) -> RawAnswer:
        """The next answer, as much of it as comes."""
        answer = await self.head()
        if bodyless or answer.status in {100, 204, 304}:
            answer.whole = True
            return answer
        try:
            async with asyncio.timeout(10):
                await self._body(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            answer.whole = False
        return answer

    async def _body(self, answer: RawAnswer) -> None:
        length = answer.header("content-length")
        if length is not None:
            answer.body = await self.reader.readexactly(int(length))
        elif answer.header("transfer-encoding") == "chunked":
            pieces: list[bytes] = []
            try:
                while piece := await self.piece():
                    pieces.append(piece)
            finally:
                answer.body = b"".join(pieces)
        else:
            answer.body = await self.reader.read(-1)
        answer.whole = True

    async def piece(self) -> bytes:
        """The next piece of a chunked body; nothing at its end."""
        async with asyncio.timeout(10):
            size = int((await self.reader.readuntil(b"\r\n")).decode(), 16)
            data = await self.reader.readexactly(size + 2)
        return data[:-2]

    async def ended(self) -> bytes:
        """What comes until the server ends the connection."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read(-1)
            except ConnectionError:
                return b""


async def until(condition: Any, timeout_s: float = 10) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def statuses(answers: Iterable[RawAnswer]) -> list[int]:
    """The status of each."""
    return [answer.status for answer in answers]
