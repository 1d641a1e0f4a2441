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
    """One answer: words that depend on the prompt and the version alone."""

    def __init__(
        self, prompt: str, parameters: Mapping[str, Any], fate: Fate, behaviour: Behaviour
    ) -> None:
        self.fate = fate
        self.prompt_tokens = max(1, len(prompt.split()))
        asked = parameters.get("max_completion_tokens") or parameters.get("max_tokens")
        self.max_tokens = int(asked or DEFAULT_TOKENS)
        seed = hashlib.sha256(f"{behaviour.version} {prompt}".encode()).digest()
        self._draw = random.Random(seed)
        self._behaviour = behaviour

    async def tokens(self) -> AsyncIterator[str]:
        """The words, each after its time."""
        stall_s = self._behaviour.stall_s if self.fate.stalls else 0.0
        await asyncio.sleep(self._behaviour.first_token_s + stall_s)
        for index in range(self.max_tokens):
            if index:
                await asyncio.sleep(self._behaviour.token_s)
            yield GARBAGE if self.fate.is_garbage else f" {self._draw.choice(WORDS)}"

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


def embedding(text: str, encoding: str) -> list[float] | str:
    """Eight numbers that depend on the text alone, as ``float`` or as ``base64`` of 32-bit ones."""
    numbers = [byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:8]]
    if encoding == "base64":
        return base64.b64encode(struct.pack("<8f", *numbers)).decode()
    return numbers
