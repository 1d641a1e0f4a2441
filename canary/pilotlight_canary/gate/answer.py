"""What a version said, or why it said nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pilotlight_canary.gate.prompt import Prompt

LEAST_LOGPROB = -30.0
"""Less likely than this is as good as impossible; engines then say -9999 or -inf."""


@dataclass(frozen=True)
class ToolCall:
    """A function that the model wants called."""

    name: str
    arguments: str
    """As the model wrote them; meant to be JSON."""


@dataclass(frozen=True)
class Position:
    """One token of an answer."""

    token: str
    logprob: float
    alternatives: Mapping[str, float] = field(default_factory=dict)
    """Log-probabilities of the likeliest tokens at this place."""


@dataclass(frozen=True)
class Answer:
    """An answer, whole."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = ""
    declined: bool = False
    """The server itself marks it as a refusal."""
    output_tokens: int = 0
    positions: tuple[Position, ...] = ()
    """Empty where the server gives no log-probabilities."""

    @property
    def is_empty(self) -> bool:
        return not self.text.strip() and not self.tool_calls and not self.declined


@dataclass(frozen=True)
class Failure:
    """A request without an answer."""

    kind: str
    """In a few words, without anything of the request: ``HTTP 500``, ``no connection``."""
    message: str = ""
    """In the server's words; it may quote the request."""
    nothing_generated: bool = False
    """The request did not reach the model: to ask again is no second generation."""
    retry_after_s: float | None = None


Reply: TypeAlias = Answer | Failure


def read(prompt: Prompt, document: Any) -> Answer:
    """An answer from OpenAI's JSON.

    Raises:
        ValueError: It has another shape.
    """
    try:
        choice = document["choices"][0]
        usage = document.get("usage") or {}
        finish_reason = str(choice.get("finish_reason") or "")
        tokens = usage.get("completion_tokens")
        content = choice["message"] if prompt.is_chat else choice
        text = str(content.get("content" if prompt.is_chat else "text") or "")
        refusal = content.get("refusal") if prompt.is_chat else None
        return Answer(
            text=text or str(refusal or ""),
            tool_calls=_tool_calls(content),
            finish_reason=finish_reason,
            declined=bool(refusal) or finish_reason == "content_filter",
            output_tokens=len(text.split()) if tokens is None else int(tokens),
            positions=_positions(choice.get("logprobs"), prompt.is_chat),
        )
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not an answer in OpenAI's shape: {error!r}") from error


def _tool_calls(content: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    functions = [call["function"] for call in content.get("tool_calls") or []]
    return tuple(ToolCall(str(f["name"]), str(f.get("arguments") or "")) for f in functions)


def _positions(logprobs: Mapping[str, Any] | None, is_chat: bool) -> tuple[Position, ...]:
    if not logprobs:
        return ()
    if is_chat:
        return tuple(
            Position(
                entry["token"],
                _logprob(entry["logprob"]),
                {a["token"]: _logprob(a["logprob"]) for a in entry.get("top_logprobs") or []},
            )
            for entry in logprobs.get("content") or []
        )
    values = logprobs["token_logprobs"]
    tops = logprobs.get("top_logprobs") or [None] * len(values)
    return tuple(
        Position(token, _logprob(value), {t: _logprob(v) for t, v in (top or {}).items()})
        for token, value, top in zip(logprobs["tokens"], values, tops, strict=True)
    )


def _logprob(value: float | None) -> float:
    return min(0.0, max(LEAST_LOGPROB, LEAST_LOGPROB if value is None else float(value)))
