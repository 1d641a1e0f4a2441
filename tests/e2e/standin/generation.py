"""What the stand-in says, and how chats and completions carry it."""

import asyncio
import base64
import hashlib
import random
import struct
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from .behaviour import Behaviour, Fate
from .structure import log_probabilities, wanted

WORDS = (
    "a",
    "small",
    "flame",
    "lights",
    "the",
    "burner",
    "at",
    "once",
    "and",
    "waits",
    "for",
    "gas",
)
GARBAGE = "!"
DEFAULT_TOKENS = 16


class Generation:
    """One answer: words, or JSON, that depend on the prompt and the weights alone."""

    def __init__(
        self, prompt: str, parameters: Mapping[str, Any], fate: Fate, behaviour: Behaviour
    ) -> None:
        self.fate = fate
        self.prompt = prompt
        self.prompt_tokens = max(1, len(prompt.split()))
        asked = parameters.get("max_completion_tokens") or parameters.get("max_tokens")
        weights = behaviour.weights or behaviour.version
        self._seed = hashlib.sha256(f"{weights} {prompt}".encode()).digest()
        draw = random.Random(self._seed)
        self.structure = wanted(parameters)
        if self.structure is None:
            count = int(asked or DEFAULT_TOKENS)
            pieces = [f" {draw.choice(WORDS)}" for _ in range(count)]
        else:
            pieces = self.structure.pieces(lambda: draw.choice(WORDS))[
                : int(asked) if asked else None
            ]
        self.pieces = [GARBAGE] * len(pieces) if fate.is_garbage else pieces
        self.max_tokens = len(pieces)
        self.finish_reason = "length" if self.structure is None else "stop"
        self._parameters = parameters
        self._behaviour = behaviour

    async def tokens(self) -> AsyncIterator[str]:
        """The words, each after its time."""
        stall_s = self._behaviour.stall_s if self.fate.stalls else 0.0
        await asyncio.sleep(self._behaviour.first_token_s + stall_s)
        for index, piece in enumerate(self.pieces):
            if index:
                await asyncio.sleep(self._behaviour.token_s)
            yield piece

    def log_probabilities(self, is_chat: bool) -> Any:
        """Of its tokens, where they are asked for."""
        return log_probabilities(self.pieces, self._seed, self._parameters, is_chat)

    def usage(self, tokens: int) -> dict[str, int]:
        """OpenAI's account, after so many tokens."""
        total = self.prompt_tokens + tokens
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": total,
        }


@dataclass(frozen=True)
class Shape:
    """How one of OpenAI's two generating routes writes."""

    is_chat: bool

    def prompt(self, body: Mapping[str, Any]) -> str:
        """The text that is asked."""
        if not self.is_chat:
            return str(body["prompt"])
        return "\n".join(str(message["content"]) for message in body["messages"])

    def envelope(self, behaviour: Behaviour, is_chunk: bool) -> dict[str, Any]:
        """What surrounds the choices."""
        chat = "chat.completion.chunk" if is_chunk else "chat.completion"
        return {
            "id": f"cmpl-{uuid.uuid4().hex}",
            "object": chat if self.is_chat else "text_completion",
            "created": int(time.time()),
            "model": behaviour.model,
            "system_fingerprint": behaviour.version,
        }

    def choice(self, text: str, is_chunk: bool, finish_reason: str | None) -> dict[str, Any]:
        """A choice: the whole text or a piece of it."""
        content: dict[str, Any] = {"text": text}
        if self.is_chat:
            message = {"role": "assistant", "content": text}
            content = {"delta" if is_chunk else "message": message}
        return {"index": 0, "finish_reason": finish_reason, **content}

    def whole(self, text: str, generation: Generation) -> dict[str, Any]:
        """The choice of an answer that is not streamed; only such a one calls tools."""
        choice = self.choice(text, is_chunk=False, finish_reason=generation.finish_reason)
        choice["logprobs"] = generation.log_probabilities(self.is_chat)
        if self.is_chat and generation.structure is not None and generation.structure.tool:
            call = {"name": generation.structure.tool, "arguments": text}
            entry = {"id": f"call-{uuid.uuid4().hex}", "type": "function", "function": call}
            choice["message"] |= {"content": None, "tool_calls": [entry]}
            choice["finish_reason"] = "tool_calls"
        return choice


def embedding(text: str, encoding: str) -> list[float] | str:
    """Eight numbers that depend on the text alone, as ``float`` or as ``base64`` of 32-bit ones."""
    numbers = [byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:8]]
    if encoding == "base64":
        return base64.b64encode(struct.pack("<8f", *numbers)).decode()
    return numbers
