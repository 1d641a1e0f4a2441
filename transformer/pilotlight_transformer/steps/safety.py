"""The step ``safety``: what may be asked, and what may be answered."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from prometheus_client import Counter
from prometheus_client.registry import Collector

from pilotlight.errors import BadGateway, BodyTooLarge, ContentRefused, Forbidden, InvalidRequest
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Slot
from pilotlight_transformer.pipeline.event import Event
from pilotlight_transformer.pipeline.route import Route
from pilotlight_transformer.pipeline.step import Step, Surroundings
from pilotlight_transformer.safety.classifier import Classifier
from pilotlight_transformer.safety.finding import Action, Detector, Rule
from pilotlight_transformer.safety.injection import score
from pilotlight_transformer.safety.places import (
    ANSWER_PLAIN,
    REQUEST,
    REQUEST_PLAIN,
    TOKENS,
    cleaned_object,
    is_token_prompt,
    texts,
    untrusted,
    without,
)
from pilotlight_transformer.safety.reading import read, written
from pilotlight_transformer.safety.settings import SafetySettings, Side
from pilotlight_transformer.safety.stream import FILTERED, Stream
from pilotlight_transformer.safety.window import Window

T = TypeVar("T")

LONG_BYTES = 32 * 1024
"""Of a body; at a few MB/s a shorter one takes milliseconds."""

_READ = frozenset({Route.CHAT, Route.COMPLETIONS, Route.EMBEDDINGS})
_TEXTLESS = frozenset({Route.MODELS, Route.METADATA, Route.FEEDBACK, Route.CONVERSATIONS})


class SafetyStep(Step):
    """Redacts, refuses or flags what its rules find, on the way in and on the way out."""

    name = "safety"
    Settings = SafetySettings
    settings: SafetySettings

    def __init__(self, settings: SafetySettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self._detectors: dict[Side, list[Detector]] = {}
        self._classifier = None if settings.classifier is None else Classifier(settings.classifier)
        self._answers: Slot[Stream] = Slot()
        self._findings = Counter(
            "pilotlight_transformer_safety_findings",
            "What the rules of the step safety found",
            ["rule", "action", "side"],
            registry=None,
        )
        self._unreadable = Counter(
            "pilotlight_transformer_safety_unreadable_events",
            "Events of streams that were left out because they cannot be read",
            registry=None,
        )

    async def start(self) -> None:
        self._detectors = {side: self.settings.detectors(side) for side in Side}
        if self._classifier is not None:
            await self._classifier.start()

    async def stop(self) -> None:
        if self._classifier is not None:
            await self._classifier.stop()

    async def request(self, call: Call) -> Answer | None:
        if call.route in _TEXTLESS:
            return None
        if call.route not in _READ or call.over_grpc:
            self._other_route()
            return None
        document = call.document
        self._check_shape(call, document)
        await _away(len(call.body), lambda: self._clean_prompt(call, document))
        await _away(len(call.body), lambda: self._check_injection(call))
        read_by_model = {k: v for k, v in call.document.items() if k not in REQUEST_PLAIN}
        await self._classify(call, Side.PROMPT, list(texts(read_by_model, REQUEST)))
        if self._sees_answers(call):
            # What is compressed could not be read.
            call.headers.put(b"accept-encoding", b"identity")
            detectors = self._detectors[Side.ANSWER]
            self._answers.put(call, Stream(detectors, self._telling(call, Side.ANSWER)))
        return None

    async def response(self, call: Call, answer: Answer) -> None:
        if self._answers.get(call) is None or not isinstance(answer.body, bytes):
            return
        document = read(answer.body)
        if document is None:
            raise BadGateway("the predictor's answer is no JSON object, so it cannot be checked")
        window = _Whole(self._detectors[Side.ANSWER], self._telling(call, Side.ANSWER))
        kept = without(document, TOKENS)
        out = await _away(
            len(answer.body), lambda: cleaned_object(kept, window.clean, ANSWER_PLAIN)
        )
        if window.refused is not None:
            raise _refusal(window.refused.name, Side.ANSWER)
        await self._classify(call, Side.ANSWER, list(texts(out.get("choices"))))
        answer.body = written(out)

    async def chunk(self, call: Call, event: Event) -> Iterable[Event]:
        stream = self._answers.get(call)
        if stream is None or not event.data:
            return (event,)
        document = read(event.data)
        if document is None:
            self._unreadable.inc()
            return ()
        return self._sent(call, stream, stream.event(document))

    async def last_chunks(self, call: Call) -> Iterable[Event]:
        stream = self._answers.get(call)
        return () if stream is None else self._sent(call, stream, stream.last())

    def collectors(self) -> Iterable[Collector]:
        found = (self._findings, self._unreadable)
        return found if self._classifier is None else (*found, *self._classifier.collectors())

    def _other_route(self) -> None:
        if self.settings.other_routes == "refuse":
            raise Forbidden(
                "the filters here cannot read this route: use /v1/chat/completions, "
                "/v1/completions or /v1/embeddings"
            )

    def _check_shape(self, call: Call, document: dict[str, Any]) -> None:
        field = is_token_prompt(document)
        if field is not None and self.settings.tokens == "refuse":
            raise InvalidRequest(
                "the filters here cannot read tokens: send the prompt as text", param=field
            )
        if len(call.body) > 4 * self.settings.max_chars:
            raise BodyTooLarge(f"the filters here read {self.settings.max_chars} characters")
        classifier = self.settings.classifier
        if (
            classifier is not None
            and Side.ANSWER in classifier.sides
            and classifier.streams == "refuse"
            and call.stream
        ):
            raise InvalidRequest(
                "answers are checked whole here: ask without stream", param="stream"
            )

    def _clean_prompt(self, call: Call, document: dict[str, Any]) -> None:
        window = _Whole(
            self._detectors[Side.PROMPT], self._telling(call, Side.PROMPT), self.settings.max_chars
        )
        out = cleaned_object(document, window.clean, REQUEST_PLAIN, REQUEST)
        if window.refused is not None:
            raise _refusal(window.refused.name, Side.PROMPT)
        # Even if nothing changed: what goes on is what was read here, not what came, which with
        # a key that is there twice could be read differently.
        call.edit().update(out)

    def _check_injection(self, call: Call) -> None:
        policy = self.settings.injection
        if policy is None or score(untrusted(call.document)) < policy.threshold:
            return
        self._tell(call, Rule("injection", policy.action, ""), Side.PROMPT)
        if policy.action is Action.REFUSE:
            raise _refusal("injection", Side.PROMPT)

    async def _classify(self, call: Call, side: Side, found: list[str]) -> None:
        policy = self.settings.classifier
        if self._classifier is None or policy is None or side not in policy.sides:
            return
        if not await self._classifier.objects("\n".join(found), side):
            return
        self._tell(call, Rule("classifier", policy.action, ""), side)
        if policy.action is Action.REFUSE:
            raise _refusal("classifier", side)

    def _sees_answers(self, call: Call) -> bool:
        if call.route is Route.EMBEDDINGS:
            return False
        classifier = self.settings.classifier
        return bool(self._detectors[Side.ANSWER]) or (
            classifier is not None and Side.ANSWER in classifier.sides
        )

    def _sent(self, call: Call, stream: Stream, document: dict[str, Any] | None) -> list[Event]:
        if stream.refused is not None and not call.enough:
            call.enough = True
            call.facts.finish_reason = FILTERED
        return [] if document is None else [Event(b"data: " + written(document) + b"\n\n")]

    def _telling(self, call: Call, side: Side) -> "_Telling":
        return _Telling(self, call, side)

    def _tell(self, call: Call, rule: Rule, side: Side) -> None:
        self._findings.labels(rule.name, rule.action.value, side.value).inc()
        why = f"{rule.name} in the {side.value}"
        if not any(
            decision.step == self.name and decision.why == why for decision in call.decisions
        ):
            call.decide(self.name, rule.action.value, why)


class _Telling:
    """Notes what was found in one call, on one side."""

    def __init__(self, step: SafetyStep, call: Call, side: Side) -> None:
        self._step, self._call, self._side = step, call, side

    def __call__(self, rule: Rule) -> None:
        self._step._tell(self._call, rule, self._side)  # a part of the step


class _Whole:
    """Cleans texts that are there whole, and keeps the first refusal."""

    def __init__(
        self, detectors: list[Detector], found: "_Telling", max_chars: int | None = None
    ) -> None:
        self._detectors = detectors
        self._found = found
        self._left = max_chars
        self.refused: Rule | None = None

    def clean(self, text: str, *, json: bool = False) -> str:
        """A text as it may go on."""
        if self._left is not None:
            self._left -= len(text)
            if self._left < 0:
                raise BodyTooLarge("the request has more text than the filters here read")
        if not text or self.refused is not None:
            return text
        window = Window(self._detectors, self._found, json=json)
        out = window.whole(text)
        self.refused = window.refused
        return out


async def _away(size: int, work: Callable[[], T]) -> T:
    """Do ``work``; if it is long, in a thread, so that other calls go on meanwhile."""
    return await asyncio.to_thread(work) if size > LONG_BYTES else work()


def _refusal(rule: str, side: Side) -> ContentRefused:
    return ContentRefused(
        f"the {side.value} is refused by the rule {rule}: leave out what it does not allow"
    )
