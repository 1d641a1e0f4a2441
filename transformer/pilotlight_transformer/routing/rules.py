"""Tiers: which of several models answers a request, by rules over what the request is like."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from pilotlight_transformer.pipeline.call import Call

BYTES_A_TOKEN = 4
"""Of UTF-8, for an estimate where nobody has counted: OpenAI's rule of thumb for English."""

_TOOL_ROLES = ("tool", "function")
_TEXT_TYPES = ("text", "input_text")
_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_TEXTS = ("messages", "prompt", "suffix", "input", "system", "instructions")


class When(BaseModel):
    """What a request must be like; all that is said must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_prompt_tokens: Annotated[int, Field(ge=1)] | None = None
    max_messages: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    no_tools: bool = False
    text_only: bool = False
    tenants: frozenset[str] | None = None

    def holds(self, call: Call) -> bool:
        """Whether a request is like that."""
        if self.tenants is not None and call.identity.tenant not in self.tenants:
            return False
        body = _body(call)
        if self.max_messages is not None and _messages(body) > self.max_messages:
            return False
        if self.no_tools and _has_tools(body):
            return False
        if self.text_only and not _is_text(body):
            return False
        if self.max_completion_tokens is not None and (
            _asked(body) is None or (_asked(body) or 0) > self.max_completion_tokens
        ):
            return False
        return self.max_prompt_tokens is None or prompt_tokens(call) <= self.max_prompt_tokens


class Rule(BaseModel):
    """A model for the requests that are like ``when``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: When
    model: str


class Tier(BaseModel):
    """A name behind which several models stand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: tuple[Rule, ...] = ()
    otherwise: str
    fallback: tuple[str, ...] = ()
    tenants: frozenset[str] | None = None

    def order(self, call: Call) -> tuple[str, ...]:
        """The models that may answer a request, the chosen one first."""
        chosen = next((rule.model for rule in self.rules if rule.when.holds(call)), self.otherwise)
        return tuple(dict.fromkeys((chosen, *self.fallback)))

    @property
    def members(self) -> frozenset[str]:
        """Every model that it can choose."""
        return frozenset((*(rule.model for rule in self.rules), self.otherwise, *self.fallback))


def prompt_tokens(call: Call) -> int:
    """Tokens of the prompt: as ``validate`` has counted them, or an estimate."""
    if call.facts.prompt_tokens is not None:
        return call.facts.prompt_tokens
    if _is_tensor(call):
        return -(-len(call.body) // BYTES_A_TOKEN)
    size = tokens = 0
    waiting: list[Any] = [call.document.get(key) for key in _TEXTS]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            size += len(value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, int):
            tokens += 1
    return tokens - (-size // BYTES_A_TOKEN)


def _is_tensor(call: Call) -> bool:
    """Whether it speaks KServe's protocols, whose bodies may hold anything."""
    return call.over_grpc or call.path_name is not None


def _body(call: Call) -> Mapping[str, Any]:
    return {} if _is_tensor(call) else call.document


def _messages(body: Mapping[str, Any]) -> int:
    messages = body.get("messages")
    return len(messages) if isinstance(messages, list) else 1


def _has_tools(body: Mapping[str, Any]) -> bool:
    return bool(body.get("tools") or body.get("functions")) or any(
        message.get("role") in _TOOL_ROLES for message in _dicts(body.get("messages"))
    )


def _is_text(body: Mapping[str, Any]) -> bool:
    return all(
        part.get("type") in _TEXT_TYPES
        for key in ("messages", "input")
        for message in _dicts(body.get(key))
        for part in _dicts(message.get("content"))
    )


def _asked(body: Mapping[str, Any]) -> int | None:
    return next((body[key] for key in _LIMITS if isinstance(body.get(key), int)), None)


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
