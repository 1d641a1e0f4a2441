"""The step ``retrieve``: documents that fit the question are put before it, and cited."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from pilotlight.errors import DeadlineExceeded, InvalidRequest, RequestError, Unavailable
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Slot
from pilotlight_transformer.pipeline.event import Event
from pilotlight_transformer.pipeline.route import GENERATES, Route
from pilotlight_transformer.pipeline.step import Step, StepSettings, Surroundings
from pilotlight_transformer.retrieval.context import (
    citations,
    inserted,
    question_of,
    within_budget,
    written,
)
from pilotlight_transformer.retrieval.document import Found
from pilotlight_transformer.retrieval.embedded import NAME, EmbeddedStore
from pilotlight_transformer.retrieval.embedding import QuestionEmbedder
from pilotlight_transformer.retrieval.pgvector import PgvectorStore
from pilotlight_transformer.retrieval.settings import RetrieveSettings
from pilotlight_transformer.retrieval.store import DocumentStore

logger = logging.getLogger(__name__)

FIELD = "retrieve"
HEADER = b"x-pilotlight-retrieve"
"""Of an answer: used, none, deadline or error."""
_BASE = ("id", "object", "created", "model")
"""Fields that all events of a stream share."""


@dataclass
class _Retrieved:
    """What a call got, and what its stream has said about itself."""

    outcome: str
    sources: list[Found] = field(default_factory=list)
    base: dict[str, Any] | None = None


class RetrieveStep(Step):
    """Embeds the question, searches the tenant's and the shared documents, and cites them."""

    name = "retrieve"
    Settings: ClassVar[type[StepSettings]] = RetrieveSettings
    settings: RetrieveSettings

    def __init__(self, settings: RetrieveSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self._embedder = QuestionEmbedder(surroundings.predictor, settings.model, settings.url)
        self._store: DocumentStore | None = None
        self._slot: Slot[_Retrieved] = Slot()
        self._seconds = Histogram(
            "pilotlight_transformer_retrieve_seconds",
            "Seconds of a retrieval, by phase.",
            ["phase"],
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
            registry=None,
        )
        self._outcomes = Counter(
            "pilotlight_transformer_retrieve_requests",
            "Requests with a retrieval, by outcome.",
            ["outcome"],
            registry=None,
        )
        self._held = Gauge(
            "pilotlight_transformer_retrieve_chunks",
            "Chunks of documents that are held in memory.",
            registry=None,
        )

    def collectors(self) -> Iterable[Collector]:
        return (self._seconds, self._outcomes, self._held)

    async def start(self) -> None:
        settings = self.settings
        if settings.dsn is not None and settings.store == "pgvector":
            self._store = PgvectorStore(settings.dsn.get_secret_value())
        else:
            database = self.surroundings.stores.database(NAME)
            embedded = EmbeddedStore(database, settings.collection, settings.refresh_s)
            self._held.set_function(lambda: embedded.held)
            self._store = embedded
        await self._store.open()

    async def stop(self) -> None:
        if self._store is not None:
            await self._store.close()

    async def request(self, call: Call) -> Answer | None:
        if call.over_grpc or call.route not in GENERATES:
            return None
        if not self._asked(call) or call.route is not Route.CHAT:
            return None
        question = question_of(call.document.get("messages"), self.settings.max_query_characters)
        if question is None:
            return None
        retrieved = self._slot.put(call, await self._retrieved(call, question))
        self._outcomes.labels(retrieved.outcome).inc()
        call.decide(self.name, retrieved.outcome, f"{len(retrieved.sources)} sources")
        if retrieved.sources:
            document = call.edit()
            text = written(retrieved.sources, self.settings.instructions)
            document["messages"] = inserted(document["messages"], text, self.settings.place)
        return None

    def _asked(self, call: Call) -> bool:
        """Whether documents are wanted; the request's own word is taken out of its body."""
        wanted = self.settings.when == "always"
        if call.route is not Route.CHAT and b'"retrieve"' not in call.body:
            return wanted
        if FIELD in call.document:
            said = call.edit().pop(FIELD)
            if not isinstance(said, bool | None):
                raise InvalidRequest(f"`{FIELD}` must be true or false", param=FIELD)
            wanted = wanted if said is None else said
        return wanted

    async def _retrieved(self, call: Call, question: str) -> _Retrieved:
        settings = self.settings
        try:
            async with asyncio.timeout(settings.deadline_ms / 1000):
                found = await self._search(call.identity.tenant, question)
        except TimeoutError:
            if settings.on_deadline == "refuse":
                self._outcomes.labels("deadline").inc()
                raise DeadlineExceeded(
                    f"the documents were not found within {settings.deadline_ms} ms: try again, "
                    "or ask with `retrieve: false`",
                    retry_after_s=1,
                ) from None
            return _Retrieved("deadline")
        except RequestError as error:
            logger.warning("a retrieval failed: %s", error)
            if settings.on_error == "refuse":
                self._outcomes.labels("error").inc()
                raise Unavailable(
                    "the documents cannot be searched now: try again, or ask with "
                    "`retrieve: false`",
                    retry_after_s=5,
                ) from None
            return _Retrieved("error")
        sources = within_budget(found, settings.max_tokens, settings.min_score)
        return _Retrieved("used" if sources else "none", sources)

    async def _search(self, tenant: str, question: str) -> list[Found]:
        assert self._store is not None  # noqa: S101  # requests come after start
        settings = self.settings
        with self._measured("embed"):
            vector = await self._embedder.embed(question)
        with self._measured("search"):
            return await self._store.search(
                tenant, settings.collection, settings.model, vector, settings.top_k
            )

    @contextmanager
    def _measured(self, phase: str) -> Iterator[None]:
        clock = self.surroundings.clock
        since = clock.monotonic()
        try:
            yield
        finally:
            self._seconds.labels(phase).observe(clock.monotonic() - since)

    def answering(self, call: Call, answer: Answer) -> None:
        retrieved = self._slot.get(call)
        if retrieved is not None and answer.status == 200:
            answer.headers.put(HEADER, retrieved.outcome.encode())

    async def response(self, call: Call, answer: Answer) -> None:
        retrieved = self._cited(call)
        document = answer.document() if retrieved else None
        if retrieved and document is not None and isinstance(document.get("choices"), list):
            answer.rewrite({**document, "citations": citations(retrieved.sources)})

    async def chunk(self, call: Call, event: Event) -> Iterable[Event]:
        retrieved = self._cited(call)
        if retrieved and retrieved.base is None:
            document = event.document or {}
            if isinstance(document.get("choices"), list):
                retrieved.base = {name: document[name] for name in _BASE if name in document}
        return (event,)

    async def last_chunks(self, call: Call) -> Iterable[Event]:
        retrieved = self._cited(call)
        if retrieved is None or retrieved.base is None or call.facts.finish_reason == "error":
            return ()
        told = citations(retrieved.sources)
        return (Event.of({**retrieved.base, "choices": [], "citations": told}),)

    def _cited(self, call: Call) -> _Retrieved | None:
        retrieved = self._slot.get(call)
        return retrieved if retrieved is not None and self.settings.citations else None
