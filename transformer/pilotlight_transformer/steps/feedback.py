"""The step ``feedback``: what people say about answers, joined with what was known of them."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

import orjson
from prometheus_client.registry import Collector
from pydantic import Field

from pilotlight.errors import NotFound, Outdated, RequestError, UsageError
from pilotlight.http_headers import REVISION
from pilotlight_transformer.feedback.answered import Answered, Seen, Text, answered
from pilotlight_transformer.feedback.given import read_feedback
from pilotlight_transformer.feedback.prompt import prompt_of
from pilotlight_transformer.feedback.redis import RedisFeedback
from pilotlight_transformer.feedback.scores import Scores
from pilotlight_transformer.feedback.sqlite import SqliteFeedback
from pilotlight_transformer.feedback.store import (
    Bounds,
    FeedbackStore,
    TooManyChanges,
    UnknownAnswer,
)
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Facts, Slot
from pilotlight_transformer.pipeline.event import Event
from pilotlight_transformer.pipeline.route import GENERATES, Route
from pilotlight_transformer.pipeline.step import Outcome, Step, StepSettings

logger = logging.getLogger(__name__)

DATABASE = "feedback"


class FeedbackSettings(StepSettings):
    """``feedback:`` of the pipeline's YAML."""

    store: Literal["auto", "sqlite", "redis"] = "auto"
    """``auto``: Redis if ``stores.redis`` names one, else SQLite."""
    keep_s: Annotated[float, Field(gt=0, le=10 * 365 * 86400)] = 30 * 86400.0
    max_answers: Annotated[int, Field(ge=1)] = 1_000_000
    max_labels: Annotated[int, Field(ge=1)] = 100_000
    max_changes: Annotated[int, Field(ge=1, le=1000)] = 20
    """How often the feedback for one answer may be given."""
    max_text_bytes: Annotated[int, Field(ge=1, le=16 * 2**20)] = 256 * 2**10
    """Of a correction with its comment; and of a prompt with its answer, if they are kept."""
    store_text: bool = False
    """Keep prompt and answer too, so that labels can be made of them."""
    max_revisions: Annotated[int, Field(ge=2, le=1000)] = 20
    """Values of the metrics' label."""
    note_timeout_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    """How long the end of an answer waits for its note at most; then it goes out without one."""


class FeedbackStep(Step):
    """Notes answers before their client has them whole, and takes feedback for them."""

    name: ClassVar[str] = "feedback"
    Settings = FeedbackSettings
    settings: FeedbackSettings

    async def start(self) -> None:
        settings = self.settings
        self._seen = Slot[Seen]()
        self._scores = Scores(settings.max_revisions)
        bounds = Bounds(
            settings.keep_s, settings.max_answers, settings.max_labels, settings.max_changes
        )
        self._store = await self._open(bounds)

    async def _open(self, bounds: Bounds) -> FeedbackStore:
        shared, wanted = self.surroundings.stores.shared, self.settings.store
        if wanted == "redis" and shared is None:
            raise UsageError("feedback: store: redis needs stores.redis: name its URL there")
        if shared is not None and wanted != "sqlite":
            return RedisFeedback(shared, bounds)
        store = SqliteFeedback(self.surroundings.stores.database(DATABASE), bounds)
        await store.open()
        return store

    async def request(self, call: Call) -> Answer | None:
        if call.route is Route.FEEDBACK:
            return await self._take(call)
        if call.route in GENERATES:
            settings = self.settings
            self._seen.put(call, Seen(settings.max_text_bytes if settings.store_text else 0))
        return None

    async def _take(self, call: Call) -> Answer:
        """Answer ``POST /v1/feedback``."""
        feedback = read_feedback(call.document, self.settings.max_text_bytes)
        tenant, now = call.identity.tenant, self.surroundings.clock.time()
        try:
            accepted = await self._store.give(tenant, feedback, now)
        except UnknownAnswer:
            raise NotFound(
                "there is no such answer: response_id is the answer's id, or its header "
                "x-request-id, and feedback is taken only for so long",
                param="response_id",
            ) from None
        except TooManyChanges:
            raise Outdated(
                f"feedback for this answer was given {self.settings.max_changes} times already: "
                "the last one stays",
                param="response_id",
            ) from None
        if accepted.first_score and feedback.score is not None:
            self._scores.scored(accepted.revision, feedback.score)
        if accepted.first_flag:
            self._scores.flagged(accepted.revision)
        call.decide(self.name, "taken" if accepted.change == 1 else "changed")
        return Answer.of(
            {
                "object": "feedback",
                "response_id": feedback.response_id,
                "change": accepted.change,
                "queued_for_labelling": feedback.for_labelling,
            }
        )

    def answering(self, call: Call, answer: Answer) -> None:
        if (seen := self._seen.get(call)) is not None:
            seen.revision = answer.headers.text(REVISION)

    async def response(self, call: Call, answer: Answer) -> None:
        if (seen := self._seen.get(call)) is not None:
            seen.revision = answer.headers.text(REVISION)
            seen.whole(answer.document())
            await self._note(call, seen)

    async def chunk(self, call: Call, event: Event) -> Iterable[Event]:
        if (seen := self._seen.get(call)) is not None:
            seen.event(event, self.surroundings.clock.monotonic())
        return (event,)

    async def last_chunks(self, call: Call) -> Iterable[Event]:
        seen = self._seen.get(call)
        if seen is not None and not seen.noted:
            seen.close()
            await self._note(call, seen)
        return ()

    async def end(self, call: Call, outcome: Outcome) -> None:
        # Who stops an answer half-way often says why.
        seen = self._seen.get(call)
        if seen is not None and not seen.noted and seen.began_at is not None:
            seen.close()
            await self._note(call, seen)

    async def _note(self, call: Call, seen: Seen) -> None:
        seen.noted = True
        clock = self.surroundings.clock
        answer = answered(call, seen, clock.time(), clock.monotonic())
        _tell(call.facts, answer)
        try:
            async with asyncio.timeout(self.settings.note_timeout_s):
                await self._store.note(answer, self._text(call, seen))
        except (RequestError, TimeoutError) as error:
            self._scores.not_noted()
            call.decide(self.name, "not noted", type(error).__name__)
            logger.warning("an answer goes out without its note: %s", error or "out of time")
        else:
            self._scores.answered(answer.revision)

    def _text(self, call: Call, seen: Seen) -> Text | None:
        if not self.settings.store_text or (said := seen.answer()) is None:
            return None
        text: Text = {"messages": prompt_of(call), "answer": said}
        try:
            size = len(orjson.dumps(text))
        except orjson.JSONEncodeError:
            return None  # nested too deeply, or a broken text
        return text if size <= self.settings.max_text_bytes else None

    def collectors(self) -> Iterable[Collector]:
        return self._scores.collectors()


def _tell(facts: Facts, answer: Answered) -> None:
    """Let the steps outside of this one know what nobody has told them yet."""
    for name in ("response_id", "prompt_tokens", "completion_tokens", "finish_reason"):
        if getattr(facts, name) is None:
            setattr(facts, name, getattr(answer, name))
