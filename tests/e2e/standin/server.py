"""The stand-in's routes and its life."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from .behaviour import Behaviour, Fates
from .generation import Generation, Shape, embedding
from .metrics import Metrics
from .prompt_cache import PromptCache

DIED = 9

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """The application: OpenAI's routes, V2's, health, metrics, and how it shall behave."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.draining = False
        self._metrics = Metrics()
        self._cache = PromptCache()
        self._started = time.monotonic()
        self._fates = Fates(behaviour.seed)
        self._slots = asyncio.Semaphore(behaviour.slots)
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._leaked: list[bytes] = []

    def application(self) -> web.Application:
        """All routes."""
        app = web.Application(middlewares=[self._count], client_max_size=8 * 2**20)
        model = f"/v2/models/{self.behaviour.model}"
        gets = {
            "/": self._live,
            "/health": self._ready,
            "/v2/health/live": self._live,
            "/v2/health/ready": self._ready,
            f"{model}/ready": self._ready,
            "/metrics": self._exposition,
            "/admin/behaviour": self._show,
            "/v1/models": self._models,
        }
        posts: dict[str, Handler] = {
            "/admin/behaviour": self._change,
            "/admin/die": self._die,
            "/v1/chat/completions": self._chat,
            "/v1/completions": self._completion,
            "/v1/embeddings": self._embeddings,
            f"{model}/infer": self._infer,
        }
        app.add_routes([web.get(path, handler) for path, handler in gets.items()])
        app.add_routes([web.post(path, handler) for path, handler in posts.items()])
        return app

    @property
    def state(self) -> str:
        """As the predictor calls it."""
        if self.draining:
            return "draining"
        loaded = time.monotonic() - self._started >= self.behaviour.ready_after_s
        return "ready" if loaded else "loading"

    async def idle(self) -> None:
        """Return when nothing is in flight."""
        await self._idle.wait()

    @web.middleware
    async def _count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "GET" or request.path.startswith("/admin/"):
            return await handler(request)
        with self._in_flight_one():
            code = "none"
            try:
                answer = await self._guard(request, handler)
                code = str(answer.status)
            finally:
                self._metrics.answered(code)
            return answer

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.state != "ready":
            answer = _failure(503, f"the server is {self.state}")
            answer.headers["Retry-After"] = "1"
            if self.draining:
                answer.force_close()
            return answer
        try:
            return await handler(request)
        except web.HTTPException as error:
            return _failure(error.status, error.reason)
        except (KeyError, TypeError, ValueError) as error:
            return _failure(400, f"wrong request: {error!r}")

    @contextlib.contextmanager
    def _in_flight_one(self) -> Iterator[None]:
        self._in_flight += 1
        self._idle.clear()
        try:
            with self._metrics.in_flight.track_inprogress():
                yield
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def _live(self, request: web.Request) -> web.Response:
        return web.json_response({"live": True, "state": self.state})

    async def _ready(self, request: web.Request) -> web.Response:
        is_ready = self.state == "ready"
        body = {"ready": is_ready, "state": self.state}
        return web.json_response(body, status=200 if is_ready else 503)

    async def _exposition(self, request: web.Request) -> web.Response:
        if self.state == "ready":
            self._metrics.started(self.behaviour.ready_after_s)
        body = self._metrics.exposition(self.state)
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(text=self.behaviour.model_dump_json())

    async def _change(self, request: web.Request) -> web.Response:
        """Change the fields that are named."""
        fields = await request.json()
        try:
            self.behaviour = Behaviour(**{**self.behaviour.model_dump(), **fields})
        except ValidationError as error:
            return _failure(400, str(error))
        if "seed" in fields:
            self._fates = Fates(self.behaviour.seed)
        if "slots" in fields:
            self._slots = asyncio.Semaphore(self.behaviour.slots)
        return await self._show(request)

    async def _die(self, request: web.Request) -> web.Response:
        """End at once, as if killed."""
        os._exit(DIED)

    async def _models(self, request: web.Request) -> web.Response:
        model = {"id": self.behaviour.model, "object": "model", "version": self.behaviour.version}
        return web.json_response({"object": "list", "data": [model]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._complete(request, Shape(is_chat=True))

    async def _completion(self, request: web.Request) -> web.StreamResponse:
        return await self._complete(request, Shape(is_chat=False))

    async def _embeddings(self, request: web.Request) -> web.Response:
        body = await request.json()
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        vectors = [embedding(str(text), body.get("encoding_format", "float")) for text in texts]
        data = [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        answer = {"object": "list", "model": self.behaviour.model, "data": data, "usage": usage}
        return web.json_response(answer)

    async def _infer(self, request: web.Request) -> web.Response:
        """V2: one answer per prompt of the first tensor."""
        body = await request.json()
        texts = []
        for prompt in body["inputs"][0]["data"]:
            generation = self._generation(str(prompt), body.get("parameters", {}))
            if generation.fate.fails:
                self._metrics.failed(generation.prompt_tokens)
                return _failure(500, "told to fail")
            texts.append("".join([text async for text in self._run(generation)]))
        output = {"name": "text_output", "datatype": "BYTES", "shape": [len(texts)], "data": texts}
        return web.json_response({"model_name": self.behaviour.model, "outputs": [output]})

    async def _complete(self, request: web.Request, shape: Shape) -> web.StreamResponse:
        body = await request.json()
        if body.get("model", self.behaviour.model) != self.behaviour.model:
            return _failure(404, f"the model {body['model']!r} does not exist")
        generation = self._generation(shape.prompt(body), body)
        if generation.fate.fails:
            self._metrics.failed(generation.prompt_tokens)
            return _failure(500, "told to fail")
        if body.get("stream"):
            return await self._stream(request, body, shape, generation)
        text = "".join([text async for text in self._run(generation)])
        answer = {
            **shape.envelope(self.behaviour, is_chunk=False),
            "choices": [shape.whole(text, generation)],
            "usage": generation.usage(generation.max_tokens),
        }
        return web.json_response(answer, headers=self._headers())

    async def _stream(
        self, request: web.Request, body: dict[str, Any], shape: Shape, generation: Generation
    ) -> web.StreamResponse:
        headers = {"Content-Type": "text/event-stream", **self._headers()}
        response = web.StreamResponse(headers=headers)
        envelope = shape.envelope(self.behaviour, is_chunk=True)
        count = 0
        async for text in self._run(generation):
            if not count:
                await response.prepare(request)
            count += 1
            finish_reason = generation.finish_reason if count == generation.max_tokens else None
            choice = shape.choice(text, is_chunk=True, finish_reason=finish_reason)
            await response.write(_event({**envelope, "choices": [choice]}))
            if generation.fate.is_cut and 2 * count >= generation.max_tokens:
                if request.transport is not None:
                    request.transport.close()
                return response
        if (body.get("stream_options") or {}).get("include_usage"):
            usage = {"choices": [], "usage": generation.usage(count)}
            await response.write(_event({**envelope, **usage}))
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    def _generation(self, prompt: str, parameters: dict[str, Any]) -> Generation:
        self._leaked.append(b"x" * self.behaviour.leak_bytes)
        return Generation(prompt, parameters, self._fates.draw(self.behaviour), self.behaviour)

    async def _run(self, generation: Generation) -> AsyncIterator[str]:
        """The tokens, in a slot, measured."""
        arrived, last = time.monotonic(), None
        slots = self._slots
        tokens = generation.prompt_tokens + generation.max_tokens
        metrics = self._metrics
        with metrics.followed(generation.prompt_tokens, generation.finish_reason) as followed:
            with metrics.waiting(tokens):
                await slots.acquire()
            try:
                is_cached = self._cache.knows(generation.prompt, self.behaviour.cache)
                if is_cached:
                    metrics.cached(generation.prompt_tokens)
                with metrics.running(generation.prompt_tokens, tokens):
                    async for text in generation.tokens():
                        now = time.monotonic()
                        metrics.token(now - arrived, None if last is None else now - last)
                        followed.token(is_cached=is_cached)
                        last = now
                        yield text
            finally:
                slots.release()

    def _headers(self) -> dict[str, str]:
        pod = os.environ.get("HOSTNAME", "")
        return {"x-standin-version": self.behaviour.version, "x-standin-pod": pod}


def _event(content: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(content)}\n\n".encode()


def _failure(status: int, message: str) -> web.Response:
    error = {"message": message, "type": "standin_error", "code": status, "param": None}
    return web.json_response({"error": error}, status=status)
