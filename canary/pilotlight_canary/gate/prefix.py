"""The beginnings of recorded prompts: enough to fill a prefix cache, and no more."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pilotlight_canary.gate.prompt import Prompt

CHARACTERS = 8000
LIMIT = 200
_KEPT = ("model", "tools", "tool_choice", "chat_template_kwargs", "documents")
"""What also goes into the beginning that the engine sees."""


def beginnings(
    prompts: Iterable[Prompt], *, characters: int = CHARACTERS, limit: int = LIMIT
) -> tuple[Prompt, ...]:
    """Different beginnings, the most frequent first, each asking for one token.

    Args:
        prompts: What people sent.
        characters: Length of a beginning.
        limit: How many of them.
    """
    counted = Counter[str]()
    first: dict[str, Prompt] = {}
    for prompt in prompts:
        body = _beginning(prompt, characters)
        if body is None:
            continue
        key = json.dumps(body, sort_keys=True)
        counted[key] += 1
        first.setdefault(key, replace(prompt, body=body))
    return tuple(first[key] for key, _ in counted.most_common(limit))


def _beginning(prompt: Prompt, characters: int) -> dict[str, Any] | None:
    body = {key: prompt.body[key] for key in _KEPT if key in prompt.body}
    body["max_tokens"] = 1
    if not prompt.is_chat:
        return {**body, "prompt": prompt.body["prompt"][:characters]}
    messages = _messages(prompt.body["messages"], characters)
    return {**body, "messages": messages} if messages else None


def _messages(messages: list[object], characters: int) -> list[Mapping[str, Any]]:
    """The first ones, up to a length; what is no plain text ends them."""
    kept: list[Mapping[str, Any]] = []
    for message in messages:
        content = message.get("content") if isinstance(message, Mapping) else None
        if characters <= 0 or not isinstance(message, Mapping) or not isinstance(content, str):
            break
        kept.append({"role": message.get("role", "user"), "content": content[:characters]})
        characters -= len(content)
    return kept
