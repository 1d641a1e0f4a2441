"""KServe's protocols over a text generator that echoes, on real routes and a real channel."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import grpc
import httpx
import pytest
from fastapi import FastAPI
from kserve import ModelRepository
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from pydantic import BaseModel

from pilotlight.errors import (
    DeadlineExceeded,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    RequestError,
    Unauthorized,
    Unavailable,
)
from pilotlight_predictor.grpc_server import GrpcLimits, build_grpc_server
from pilotlight_predictor.kserve_model import PredictorModel
from pilotlight_predictor.kserve_routes import register_kserve_routes
from pilotlight_predictor.model_route import register_model_route
from pilotlight_predictor.protocol_errors import translate_errors

MAX_PROMPTS = 8
MAX_MESSAGE_BYTES = 64 * 1024

REFUSALS: Mapping[str, RequestError] = {
    "!long": InvalidRequest("the prompt is longer than the context", param="prompt"),
    "!token": Unauthorized("send a token"),
    "!adapter": ModelNotFound("no such adapter"),
    "!busy": Overloaded("too much is waiting", retry_after_s=1.5),
    "!late": DeadlineExceeded("nobody waits any more"),
    "!down": Unavailable("draining", retry_after_s=1),
}


@dataclass
class EchoGenerator:
    """Gives each prompt back in brackets, one word a token, at most OpenAI's default of 16.

    ``!bug`` raises what nobody foresaw, ``!wait`` never ends; see ``REFUSALS`` for the rest.
    """

    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    async def completion(self, body: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        text, usage, reason = await self._echo(body["prompt"], body, 16, headers)
        return {"choices": [{"text": text, "finish_reason": reason}], "usage": usage}

    async def chat(self, body: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        prompt = " ".join(f"{m.get('role')}:{m.get('content')}" for m in body["messages"])
        text, usage, reason = await self._echo(prompt, body, 1000, headers)
        message = {"role": "assistant", "content": text}
        return {"choices": [{"message": message, "finish_reason": reason}], "usage": usage}

    async def _echo(
        self, prompt: str, body: dict[str, Any], limit: int, headers: Mapping[str, str]
    ) -> tuple[str, dict[str, int], str]:
        self.bodies.append(body)
        self.headers.append(headers)
        if prompt in REFUSALS:
            raise REFUSALS[prompt]
        if prompt == "!bug":
            raise RuntimeError("secret detail")
        if prompt == "!wait":
            await self._wait()
        words = prompt.split(" ")
        kept = words[: body.get("max_tokens", limit)]
        usage = {"prompt_tokens": len(words), "completion_tokens": len(kept)}
        return f"[{' '.join(kept)}]", usage, "length" if len(kept) < len(words) else "stop"

    async def _wait(self) -> None:
        self.waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()


@dataclass
class Readiness:
    """What the readiness routes answer."""

    ready: bool = True

    def __call__(self) -> bool:
        return self.ready


@pytest.fixture
def generator() -> EchoGenerator:
    return EchoGenerator()


@pytest.fixture
def readiness() -> Readiness:
    return Readiness()


@pytest.fixture
def repository(generator: EchoGenerator, readiness: Readiness) -> ModelRepository:
    models = ModelRepository()
    models.update(PredictorModel("echo", generator, is_ready=readiness, max_prompts=MAX_PROMPTS))
    return models


class _Card(BaseModel):
    id: str
    object: str = "model"


@dataclass
class ModelsInMemory:
    """A list of models and adapters, as OpenAI's route shows it."""

    names: Sequence[str]

    async def show_available_models(self) -> SimpleNamespace:
        return SimpleNamespace(data=[_Card(id=name) for name in self.names])


@pytest.fixture
def app(repository: ModelRepository, readiness: Readiness) -> FastAPI:
    app = FastAPI(redirect_slashes=False)
    register_kserve_routes(app, DataPlane(model_registry=repository))
    register_model_route(app, ModelsInMemory(["echo", "team/poet"]), readiness)
    translate_errors(app, "/v2/")
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://predictor") as client:
        yield client


@dataclass
class Scope:
    """The hook around every gRPC inference: counts what is inside, and may refuse."""

    headers: list[Mapping[str, str]] = field(default_factory=list)
    inside: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)
    refusal: RequestError | None = None

    @contextmanager
    def __call__(self, headers: Mapping[str, str]) -> Iterator[None]:
        if self.refusal is not None:
            raise self.refusal
        self.headers.append(headers)
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1
            self.left.set()


@pytest.fixture
def scope() -> Scope:
    return Scope()


@pytest.fixture
async def channel(
    repository: ModelRepository, readiness: Readiness, scope: Scope
) -> AsyncIterator[grpc.aio.Channel]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    server = build_grpc_server(
        port,
        DataPlane(model_registry=repository),
        ModelRepositoryExtension(model_registry=repository),
        2,
        GrpcLimits(MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES),
        is_ready=readiness,
        request_scope=scope,
    )
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(grace=0)


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> GRPCInferenceServiceStub:
    return GRPCInferenceServiceStub(channel)
