"""Whether two answers to one request are the same: the port, and the wording."""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from pilotlight_canary.gate.answer import Answer
from pilotlight_canary.gate.prompt import Prompt


@dataclass(frozen=True)
class Judgement:
    """How two answers compare."""

    different: bool
    score: float
    """1: the same; 0: nothing in common."""
    reason: str = ""


class Similarity(Protocol):
    """Tells whether two answers are the same."""

    async def judge(self, prompt: Prompt, one: Answer, other: Answer) -> Judgement:
        """How ``one`` compares to ``other``.

        Raises:
            OperationError: It cannot be told now; the message says why.
        """
        ...


SAME = Judgement(different=False, score=1.0)


class Wording:
    """The same words, and the same calls of tools with the same arguments."""

    async def judge(self, prompt: Prompt, one: Answer, other: Answer) -> Judgement:
        """Equal, or different at some character."""
        if same_wording(one, other):
            return SAME
        start = shared_beginning(wording(one), wording(other))
        longest = max(len(wording(one)), len(wording(other)))
        reason = f"differs from character {start + 1} of {longest}"
        return Judgement(different=True, score=start / longest, reason=reason)


def wording(answer: Answer) -> str:
    """All that is said, calls of tools included; how arguments are spaced does not count."""
    calls = [{"name": c.name, "arguments": _value(c.arguments)} for c in answer.tool_calls]
    lines = [json.dumps(call, sort_keys=True, ensure_ascii=False) for call in calls]
    return "\n".join([answer.text.strip(), *lines]).strip()


def same_wording(one: Answer, other: Answer) -> bool:
    """Whether two answers say the same, word by word."""
    return wording(one) == wording(other)


def shared_beginning(one: str, other: str) -> int:
    """Characters that two texts share at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    shorter = min(len(one), len(other))
    return next((index for index, (a, b) in pairs if a != b), shorter)


def _value(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
