"""Tokens: estimated before the model is asked, counted while and after it answers."""

import re

from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.route import GENERATES, Route

COSTS_TOKENS = GENERATES | {Route.EMBEDDINGS}
"""Routes on which the model reads and writes tokens."""

_OPAQUE = frozenset({Route.PREDICT, Route.INFER})
"""Routes whose answers may hold anything, the model's own text where a usage would stand."""

_MOST_NAMES: dict[Route, tuple[str, ...]] = {
    Route.CHAT: ("max_completion_tokens", "max_tokens"),
    Route.COMPLETIONS: ("max_tokens",),
    Route.RESPONSES: ("max_output_tokens",),
    Route.MESSAGES: ("max_tokens",),
}
_CEILING = 10**9
"""Above any context length; keeps sums far from where floats lose whole numbers."""

_EVENT = b"\ndata:"
_KEY = b'_tokens"'
# A model's own text cannot look like this in JSON that the predictor wrote: quotes are escaped.
_PROMPT = re.compile(rb'"(?:prompt|input)_tokens"\s*:\s*(\d{1,9})[\s,}]')
_COMPLETION = re.compile(rb'"(?:completion|output)_tokens"\s*:\s*(\d{1,9})[\s,}]')
_TAIL = 64
_USAGE = b'"usage"'
_USAGE_BYTES = 4096


def prompt_tokens(call: Call, bytes_per_token: float) -> int:
    """The prompt's tokens: counted by an earlier step, or estimated by the body's size."""
    if call.facts.prompt_tokens is not None:
        return call.facts.prompt_tokens
    return estimate(len(call.payload()), bytes_per_token)


def estimate(size: int, bytes_per_token: float) -> int:
    """Tokens that so many bytes hold, rounded up."""
    return -int(-size // bytes_per_token)


def output_tokens(call: Call, unsaid: int) -> int:
    """The most that the answers to a call may hold.

    Args:
        unsaid: For each answer, if the request does not say it.

    Raises:
        InvalidRequest: The body is no JSON object.
    """
    if call.route not in COSTS_TOKENS or call.route is Route.EMBEDDINGS:
        return 0
    if call.over_grpc or call.route not in _MOST_NAMES:
        return unsaid
    document = call.document
    asked = [_whole(document.get(name)) for name in _MOST_NAMES[call.route]]
    most = next((number for number in asked if number is not None), unsaid)
    answers = max(_whole(document.get("n")) or 1, _whole(document.get("best_of")) or 1)
    return min(most * answers * _prompts(document.get("prompt")), _CEILING)


def tells_usage(call: Call) -> bool:
    """Whether the answer's ``usage`` is the predictor's word, and not the model's."""
    return not call.over_grpc and call.route not in _OPAQUE


def _whole(value: object) -> int | None:
    """A count as the predictor would read it: 5, 5.0 and "5" are the same."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value.strip()[:12])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return min(value, _CEILING) if isinstance(value, int) and value >= 0 else None


def _prompts(prompt: object) -> int:
    """How many prompts a completion has: a list of texts or of lists of tokens, or one."""
    if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int):
        return len(prompt)
    return 1


class Tally:
    """What an answer turned out to use.

    Args:
        reads_usage: Whether the answer says it; else it is counted by events or size alone.

    Attributes:
        prompt: As the predictor counted it; ``None`` until it says so.
        completion: Likewise.
        events: Events of a stream so far, the last one's ``[DONE]`` too.
        answer_bytes: Size of a whole answer; 0 until there is one.
    """

    __slots__ = (
        "_reads_usage",
        "_tail",
        "_tail_events",
        "answer_bytes",
        "completion",
        "events",
        "prompt",
    )

    def __init__(self, *, reads_usage: bool = True) -> None:
        self._reads_usage = reads_usage
        self.prompt: int | None = None
        self.completion: int | None = None
        self.events = 0
        self.answer_bytes = 0
        # A stream begins as if after a line.
        self._tail = b"\n"
        self._tail_events = 0

    def stream(self, data: bytes) -> None:
        """Count the bytes of a stream as they come, wherever they are cut."""
        joined = self._tail + data
        self.events += joined.count(_EVENT) - self._tail_events
        if _KEY in joined:
            self._read(joined)
        self._tail = joined[-_TAIL:]
        self._tail_events = self._tail.count(_EVENT)

    def whole(self, body: bytes) -> None:
        """Find the usage in a whole answer; it stands near the end."""
        self.answer_bytes = len(body)
        at = body.rfind(_USAGE)
        if at >= 0:
            self._read(body[at : at + _USAGE_BYTES])

    def _read(self, text: bytes) -> None:
        if not self._reads_usage:
            return
        if found := _PROMPT.findall(text):
            self.prompt = int(found[-1])
        if found := _COMPLETION.findall(text):
            self.completion = int(found[-1])
