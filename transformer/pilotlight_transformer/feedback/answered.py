"""What is noted of an answer when it is given."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pilotlight_transformer.conversations.answering import GatheredMessage, message_of
from pilotlight_transformer.feedback.given import MAX_ID
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.event import Event

Text = dict[str, Any]

READ_EVENTS = 8
"""Of a stream, so many are looked through for the answer's id."""
REPLAYED = frozenset({"hit", "similar", "shared"})
"""What the step ``cache`` says of answers that were made for another call."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, without its words.

    Attributes:
        at: Seconds since the epoch.
        first_token_s: From the request to the first byte of a stream.
        took_s: From the request to the end.
        replayed: It came out of the cache.
    """

    tenant: str
    response_id: str
    request_id: str
    route: str
    at: float
    model: str | None = None
    revision: str | None = None
    upstream: str | None = None
    first_token_s: float | None = None
    took_s: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str | None = None
    stream: bool = False
    replayed: bool = False

    def document(self) -> dict[str, Any]:
        """As it is kept and exported."""
        return asdict(self)


class Seen:
    """What passes by of one answer.

    Args:
        max_text_bytes: Of prompt and answer together, if they are to be kept; else 0.
    """

    def __init__(self, max_text_bytes: int) -> None:
        self._gathered = GatheredMessage(max_text_bytes) if max_text_bytes else None
        self._texts: list[str] = []
        self._tail: list[Event] = []
        self._events = 0
        self.began_at: float | None = None
        self.id: str | None = None
        self.model: str | None = None
        self.revision: str | None = None
        self.finish_reason: str | None = None
        self.usage: tuple[int | None, int | None] = (None, None)
        self.noted = False

    def event(self, event: Event, now: float) -> None:
        """Take one event of a stream; parsed are the first ones and, at the end, the last two."""
        if self.began_at is None:
            self.began_at = now
        self._events += 1
        if (self.id is None and self._events <= READ_EVENTS) or self._gathered is not None:
            self._read(event.document)
        self._tail = [*self._tail[-1:], event]

    def close(self) -> None:
        """The stream is over."""
        for event in self._tail:
            self._facts(event.document)
        self._tail = []

    def whole(self, document: Mapping[str, Any] | None) -> None:
        """Take a whole answer."""
        self._facts(document)
        if self._gathered is not None and document is not None:
            self._texts = [
                choice["text"]
                for choice in _choices(document)
                if isinstance(choice.get("text"), str)
            ]
            self.message = message_of(document)

    message: Mapping[str, Any] | None = None

    def answer(self) -> Mapping[str, Any] | None:
        """The answer as a chat's message, if it was to be kept and is one."""
        if self.message is not None:
            return self.message
        if self._texts:
            return {"role": "assistant", "content": "".join(self._texts)}
        if self._gathered is not None and self._gathered.began:
            return self._gathered.message(ended=True)[0]
        return None

    def _read(self, document: Mapping[str, Any] | None) -> None:
        if document is None:
            return
        self._facts(document)
        if self._gathered is not None:
            self._gathered.add(document)
            self._texts += [
                choice["text"]
                for choice in _choices(document)
                if isinstance(choice.get("text"), str) and choice.get("index", 0) == 0
            ]

    def _facts(self, document: Mapping[str, Any] | None) -> None:
        if document is None:
            return
        for inner in (document, document.get("response"), document.get("message")):
            if not isinstance(inner, dict):
                continue
            identity, model = inner.get("id"), inner.get("model")
            if self.id is None and isinstance(identity, str) and 0 < len(identity) <= MAX_ID:
                self.id = identity
            if self.model is None and isinstance(model, str):
                self.model = model
            self._usage(inner.get("usage"))
            ending = inner.get("stop_reason")
            for choice in _choices(inner):
                ending = choice.get("finish_reason") or ending
            if isinstance(ending, str):
                self.finish_reason = ending

    def _usage(self, usage: object) -> None:
        if isinstance(usage, dict):
            before = self.usage
            self.usage = (
                _count(usage, "prompt_tokens", "input_tokens", before[0]),
                _count(usage, "completion_tokens", "output_tokens", before[1]),
            )


def answered(call: Call, seen: Seen, now: float, monotonic: float) -> Answered:
    """What there is to note of a call's answer."""
    facts = call.facts
    first = facts.first_byte_at if facts.first_byte_at is not None else seen.began_at
    stream = seen.began_at is not None
    return Answered(
        tenant=call.identity.tenant,
        response_id=seen.id or call.request_id[:MAX_ID],
        request_id=call.request_id[:MAX_ID],
        route=call.route.value,
        at=now,
        model=seen.model,
        revision=facts.revision or seen.revision,
        upstream=facts.upstream,
        first_token_s=_since(call, first) if stream else None,
        took_s=_since(call, monotonic),
        prompt_tokens=_either(facts.prompt_tokens, seen.usage[0]),
        completion_tokens=_either(facts.completion_tokens, seen.usage[1]),
        finish_reason=facts.finish_reason or seen.finish_reason,
        stream=stream,
        replayed=facts.cache in REPLAYED,
    )


def _since(call: Call, moment: float | None) -> float | None:
    return None if moment is None else round(max(0.0, moment - call.arrived_at), 6)


def _either(known: int | None, seen: int | None) -> int | None:
    return seen if known is None else known


def _choices(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    choices = document.get("choices")
    found = choices if isinstance(choices, list) else []
    return [choice for choice in found if isinstance(choice, dict)]


def _count(usage: Mapping[str, Any], name: str, other: str, before: int | None) -> int | None:
    found = usage.get(name, usage.get(other))
    return found if isinstance(found, int) else before
