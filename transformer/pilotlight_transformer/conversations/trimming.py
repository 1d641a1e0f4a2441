"""How much of a conversation the model is told again."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pilotlight.errors import UsageError
from pilotlight_transformer.conversations.history import History, Message, Said

Count = Callable[[str], int]

MESSAGE_TOKENS = 4
"""What a chat template adds to a message: its role and the marks around it."""
MEDIA_TOKENS = 256
"""For a part that is no text: an image or a sound."""
_BYTES_PER_TOKEN = 4
_UNTOLD = frozenset({"reasoning", "reasoning_content", "refusal"})


def estimate(text: str) -> int:
    """Tokens of a text, by its bytes: within a third for common languages, and never waiting."""
    return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)


def by_tokenizer(path: Path) -> Count:
    """Counts with a model's own ``tokenizer.json``.

    Raises:
        UsageError: The file is none.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # noqa: BLE001  # the library raises bare Exception
        raise UsageError(
            f"conversation: tokenizer: {path} cannot be read ({error}): name a tokenizer.json"
        ) from None

    def count(text: str) -> int:
        clean = text.encode("utf-8", "replace").decode()
        return len(tokenizer.encode(clean, add_special_tokens=False).ids)

    return count


def tokens(message: Message, count: Count) -> int:
    """What a message costs, tool calls included."""
    total = MESSAGE_TOKENS + _content(message.get("content"), count)
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            total += count(str(function.get("name"))) + count(str(function.get("arguments")))
    return total


def _content(content: Any, count: Count) -> int:
    if isinstance(content, str):
        return count(content)
    if not isinstance(content, list):
        return 0
    total = 0
    for part in content:
        text = part.get("text") if isinstance(part, dict) else part
        total += count(text) if isinstance(text, str) else MEDIA_TOKENS
    return total


def told(
    history: History,
    prompt: Sequence[Message],
    sent: Sequence[Message],
    max_tokens: int,
    count: Count,
) -> tuple[list[Message], int]:
    """The messages that go to the model: system prompt, the newest turns that fit, what is new.

    Whole turns only. If what is new begins with a tool's results, the turn with their call stays
    whatever its size.

    Args:
        prompt: The system prompt that the client sent; the conversation's own if it is empty.
        sent: What is new.
        max_tokens: Of the system prompt and the turns before.

    Returns:
        The messages, and how many older ones were left out.
    """
    head = list(prompt or history.prompt)
    room = max_tokens - sum(tokens(message, count) for message in head)
    answers_a_call = bool(sent) and sent[0].get("role") == "tool"
    kept: list[Said] = []
    for index, group in enumerate(reversed(history.groups())):
        room -= sum(tokens(entry.message, count) for entry in group)
        if room < 0 and not (index == 0 and answers_a_call):
            break
        kept[:0] = group
    before = [_for_the_model(entry.message) for entry in kept]
    return [*head, *before, *sent], len(history.said) - len(kept)


def _for_the_model(message: Message) -> Message:
    """Without an answer's reasoning: models are not told what they thought in turns before."""
    if message.get("role") != "assistant" or not _UNTOLD & message.keys():
        return message
    return {name: value for name, value in message.items() if name not in _UNTOLD}
