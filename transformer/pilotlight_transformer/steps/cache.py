"""The step ``cache``: what was answered before, and what is being answered, is not asked again."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from prometheus_client import Counter, Gauge
from prometheus_client.registry import Collector

from pilotlight.errors import InvalidRequest
from pilotlight.http_headers import REVISION
from pilotlight_transformer.caching.completeness import is_whole, is_whole_stream
from pilotlight_transformer.caching.determinism import CACHED, bypass_reason
from pilotlight_transformer.caching.entry import Entry, Origin
from pilotlight_transformer.caching.flights import Flights
from pilotlight_transformer.caching.key import request_key
from pilotlight_transformer.caching.live import Failure, Live
from pilotlight_transformer.caching.settings import CacheSettings
from pilotlight_transformer.caching.shelf import Shelf
from pilotlight_transformer.caching.similar import Similar, Vector, question
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Slot
from pilotlight_transformer.pipeline.headers import Headers
from pilotlight_transformer.pipeline.step import Outcome, Step, StepSettings, Surroundings

HEADER = b"x-cache"
RESULTS = ("hit", "similar", "shared", "miss", "bypass")
_SERVED = frozenset({"hit", "similar", "shared"})
_ENDS = re.compile(rb"(?:^|[\r\n])data: ?\[DONE\]\r?\n\r?\n$")
_TAIL_BYTES = 64
_SHOWN = (b"content-type", REVISION)


@dataclass(slots=True)
class _State:
    """What the cache knows of one call.

    Attributes:
        live: Set while this call asks the model.
        revision: Of the answer, once it is there.
        group, vector: Of the question, for similar ones.
        entry: To be published when the call has ended.
    """

    model: str
    revision: str = ""
    result: str = "bypass"
    key: str = ""
    live: Live | None = None
    group: str = ""
    vector: Vector | None = None
    entry: Entry | None = None
    tail: bytes = b""


class CacheStep(Step):
    """Answers deterministic requests again, and equal ones at the same time once."""

    name = "cache"
    Settings: ClassVar[type[StepSettings]] = CacheSettings

    settings: CacheSettings

    def __init__(self, settings: CacheSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        stores, clock = surroundings.stores, surroundings.clock
        shared = stores.shared if settings.shared else None
        self._shelf = Shelf(settings, clock, shared, surroundings.model_name)
        self._flights = Flights(settings.max_answer_bytes, settings.wait_s)
        self._telling: set[asyncio.Task[None]] = set()
        self._slot: Slot[_State] = Slot()
        semantic = settings.semantic
        self.similar = Similar(semantic, surroundings.predictor) if semantic else None
        self._requests = Counter(
            "pilotlight_transformer_cache_requests",
            "Requests by what the cache did.",
            ["result"],
            registry=None,
        )
        for result in RESULTS:
            self._requests.labels(result)
        self._bytes = Gauge(
            "pilotlight_transformer_cache_bytes", "Answers kept in memory.", registry=None
        )
        self._bytes.set_function(lambda: self._shelf.memory.bytes)

    def collectors(self) -> Iterable[Collector]:
        return (self._requests, self._bytes, self._shelf.failures)

    async def stop(self) -> None:
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    async def request(self, call: Call) -> Answer | None:
        state = self._slot.put(call, _State(_model(call)))
        asked = _cache_control(call)
        if reason := "no-store" if "no-store" in asked else bypass_reason(call):
            return self._note(call, state, "bypass", reason)
        key = self._key(call)
        if key is None:
            return self._note(call, state, "bypass", "body")
        state.key = key
        if {"no-cache", "max-age=0"} & asked:
            state.live = self._flights.lead(None)
            return self._note(call, state, "miss", "no-cache")
        return await self._answer(call, state)

    async def _answer(self, call: Call, state: _State) -> Answer | None:
        """A kept answer, or another call's; ``None`` makes this call ask the model."""
        if not self.settings.single_flight:
            return await self._lead(call, state, self._flights.lead(None))
        joined = await self._flights.join(state.key)
        if isinstance(joined, Live):
            return await self._lead(call, state, joined)
        if joined is None:
            return self._note(call, state, "miss", "not shared")
        call.facts.revision = joined.headers.text(REVISION)
        return self._note(call, state, "shared", answer=joined)

    async def _lead(self, call: Call, state: _State, live: Live) -> Answer | None:
        state.live = live
        task = asyncio.current_task()
        live.abandon = None if task is None else task.cancel
        result, why, entry = "hit", "", await self._shelf.get(state.key)
        if entry is None and self.similar is not None:
            result = "similar"
            entry, why = await self._find_similar(self.similar, call, state)
        if entry is None:
            return self._note(call, state, "miss")
        call.facts.revision = entry.revision or None
        answer = entry.answer()
        if entry.streamed:
            live.begin(answer.headers)
            live.feed(entry.body)
            live.finish()
        else:
            live.complete(answer.headers, entry.body)
        self._flights.land(state.key, live)
        state.live = None
        return self._note(call, state, result, why, answer)

    async def _find_similar(
        self, similar: Similar, call: Call, state: _State
    ) -> tuple[Entry | None, str]:
        assert self.settings.semantic is not None  # noqa: S101  # or there were no `similar`
        text = question(call, self.settings.semantic.max_characters)
        group = None if text is None else self._key(call, without_text=True)
        if text is None or group is None:
            return None, ""
        state.group, state.vector = group, await similar.vector(text)
        found = None if state.vector is None else similar.nearest(group, state.vector)
        entry = None if found is None else await self._shelf.get(found[0])
        if entry is None or found is None:
            return None, ""
        similar.note(state.key, *found, self.surroundings.clock.time())
        return entry, f"similarity {found[1]:.4f}"

    async def response(self, call: Call, answer: Answer) -> None:
        state = self._slot.get(call)
        live = None if state is None else state.live
        if state is None or live is None or _encoded(answer):
            return
        assert isinstance(answer.body, bytes)  # noqa: S101  # what the hook promises
        self._see(call, state, answer)
        if not is_whole(answer.body):
            live.fail(Failure())
        else:
            live.complete(_shown(answer), answer.body)
            if not call.stream:
                self._keep(call, state, answer.body, streamed=False)
        self._flights.land(state.key, live)

    def answering(self, call: Call, answer: Answer) -> None:
        state = self._slot.get(call)
        if state is None:
            return
        if call.route in CACHED:
            answer.headers.put(HEADER, state.result.encode())
        if state.result in _SERVED:
            return
        self._see(call, state, answer)
        live = state.live
        if live is None or live.begun.is_set():
            return
        if answer.status == 200 and answer.streams and not _encoded(answer):
            live.begin(_shown(answer))
        else:
            live.fail(Failure.of(answer))
            self._flights.land(state.key, live)

    def watch(self, call: Call, data: bytes) -> None:
        state = self._slot.get(call)
        live = None if state is None else state.live
        if state is None or live is None:
            return
        # The network may cut a stream inside its last event.
        state.tail = (state.tail + data)[-_TAIL_BYTES:]
        if _ENDS.search(state.tail):
            self._stream_ends(call, state, live, data)
        else:
            live.feed(data)

    def _stream_ends(self, call: Call, state: _State, live: Live, data: bytes) -> None:
        """``[DONE]`` goes by: of the whole answer, or because a step wants no more of it."""
        before = live.kept
        body = None if before is None else before + data
        whole = body is not None and is_whole_stream(body)
        if call.enough and not whole:
            live.fail(Failure())
            self._flights.land(state.key, live)
            return
        live.feed(data)
        live.finish()
        if body is not None and whole and call.stream:
            self._keep(call, state, body, streamed=True)

    def wanted(self, call: Call) -> bool:
        state = self._slot.get(call)
        live = None if state is None else state.live
        if live is None:
            return False
        # Whoever asks this tells that the leader's client has left.
        live.deserted = True
        return live.followers > 0

    async def end(self, call: Call, outcome: Outcome) -> None:
        state = self._slot.get(call)
        if state is None:
            return
        if state.live is not None:
            state.live.abandon = None
            self._let_go(state.live, outcome)
            self._flights.land(state.key, state.live)
        if state.entry is not None:
            await self._shelf.publish(state.entry)

    def _let_go(self, live: Live, outcome: Outcome) -> None:
        """No more of the answer comes. Without effect if it is whole already."""
        if live.failure is None and live.begun.is_set() and outcome.ok:
            live.finish()
        else:
            live.fail(Failure())

    def _see(self, call: Call, state: _State, answer: Answer) -> None:
        """Which revision answers now, for all replicas."""
        told = answer.headers.text(REVISION) or call.facts.revision or ""
        if not told or state.revision:
            return
        state.revision = told
        origin = Origin(call.facts.upstream or "", state.model)
        if self._shelf.see(origin, told):
            task = asyncio.create_task(self._shelf.tell(origin, told))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    def _keep(self, call: Call, state: _State, body: bytes, *, streamed: bool) -> None:
        """Keep an answer that is known to be whole, if it is the first choice's own."""
        upstream = call.facts.upstream
        if call.targets and upstream not in {None, call.targets[0].name}:
            return
        if self.settings.require_revision and not state.revision:
            return
        origin = Origin(upstream or "", state.model)
        entry = Entry(state.key, origin, state.revision, streamed, body)
        if len(body) > self.settings.max_answer_bytes:
            return
        self._shelf.put(entry)
        state.entry = entry
        if self.similar is not None and state.vector is not None:
            self.similar.add(state.group, state.key, state.vector)

    def _key(self, call: Call, *, without_text: bool = False) -> str | None:
        settings = self.settings
        return request_key(
            call,
            scope=settings.scope,
            namespace=f"{self.surroundings.model_name}\0{settings.namespace}",
            vary=settings.vary,
            ignored=settings.ignored,
            without_text=without_text,
        )

    def _note(
        self, call: Call, state: _State, result: str, why: str = "", answer: Answer | None = None
    ) -> Answer | None:
        state.result = call.facts.cache = result
        self._requests.labels(result).inc()
        call.decide(self.name, result, why)
        return answer


def _model(call: Call) -> str:
    try:
        return call.model or ""
    except InvalidRequest:
        return ""


def _cache_control(call: Call) -> frozenset[str]:
    """What the client wants of caches (RFC 9111, section 5.2.1)."""
    values = call.headers.all(b"cache-control")
    if not values:
        return frozenset()
    said = b",".join(values).decode("latin-1").lower()
    return frozenset(word.strip() for word in said.split(","))


def _encoded(answer: Answer) -> bool:
    """Whether the body is compressed: nobody else asked for it that way."""
    return (answer.headers.get(b"content-encoding") or b"identity") != b"identity"


def _shown(answer: Answer) -> Headers:
    """The headers that followers get too."""
    return Headers(pair for pair in answer.headers if pair[0] in _SHOWN)
