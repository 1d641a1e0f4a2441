"""Answers to questions that mean the same, by the distance of their embeddings."""

import asyncio
import hashlib
import logging
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotlight.errors import RequestError
from pilotlight_transformer.caching.settings import SemanticSettings
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.route import Route
from pilotlight_transformer.pipeline.step import Predictor

logger = logging.getLogger(__name__)

Vector = NDArray[np.float32]

MAX_PAIRS = 1_000
_BEFORE = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Pair:
    """One hit, for whoever checks them: digests of both requests, never their text."""

    asked: str
    answered: str
    similarity: float
    at: float


def question(call: Call, max_characters: int) -> str | None:
    """The text of a chat of a single question, without tools; ``None`` if it is another thing."""
    document = call.document
    messages = document.get("messages")
    if call.route is not Route.CHAT or document.get("tools") or not isinstance(messages, list):
        return None
    if not messages or not all(_plain(message) for message in messages):
        return None
    *before, last = messages
    if last["role"] != "user" or any(message["role"] not in _BEFORE for message in before):
        return None
    text: str = last["content"]
    return text if text and len(text) <= max_characters else None


def _plain(message: object) -> bool:
    return (
        isinstance(message, dict)
        and isinstance(message.get("role"), str)
        and isinstance(message.get("content"), str)
    )


class Similar:
    """Vectors of the questions whose answers are kept, by what else was asked of the model.

    Attributes:
        pairs: The last hits.
    """

    def __init__(self, settings: SemanticSettings, predictor: Predictor) -> None:
        self._settings = settings
        self._predictor = predictor
        self._vectors: OrderedDict[str, tuple[str, Vector]] = OrderedDict()
        self._groups: dict[str, dict[str, Vector]] = {}
        self.pairs: deque[Pair] = deque(maxlen=MAX_PAIRS)

    def __len__(self) -> int:
        return len(self._vectors)

    async def vector(self, text: str) -> Vector | None:
        """The embedding of ``text``, of length one; ``None`` if it is not there in time."""
        settings = self._settings
        document = {"model": settings.model, "input": text, "encoding_format": "float"}
        try:
            async with asyncio.timeout(settings.timeout_s):
                answer = await self._predictor.ask(
                    "/v1/embeddings", document, timeout_s=settings.timeout_s
                )
        except (RequestError, TimeoutError) as error:
            logger.warning("a question was not embedded: %s", type(error).__name__)
            return None
        return _unit(answer)

    def nearest(self, group: str, vector: Vector) -> tuple[str, float] | None:
        """The key of a group's most similar question and how similar it is, if that is enough."""
        known = {
            key: other
            for key, other in self._groups.get(group, {}).items()
            if other.shape == vector.shape
        }
        if not known:
            return None
        similarities = np.stack(list(known.values())) @ vector
        best = int(similarities.argmax())
        similarity = float(similarities[best])
        if similarity < self._settings.threshold:
            return None
        key = list(known)[best]
        self._vectors.move_to_end(key)
        return key, similarity

    def add(self, group: str, key: str, vector: Vector) -> None:
        """Remember a question whose answer is kept under ``key``."""
        self.drop(key)
        self._vectors[key] = (group, vector)
        self._groups.setdefault(group, {})[key] = vector
        if len(self._vectors) > self._settings.max_entries:
            self.drop(next(iter(self._vectors)))

    def drop(self, key: str) -> None:
        """Forget a question."""
        found = self._vectors.pop(key, None)
        if found is None:
            return
        group = self._groups[found[0]]
        del group[key]
        if not group:
            del self._groups[found[0]]

    def note(self, asked: str, answered: str, similarity: float, at: float) -> None:
        """Keep a hit for the audit."""
        digests = [hashlib.sha256(key.encode()).hexdigest() for key in (asked, answered)]
        self.pairs.append(Pair(digests[0], digests[1], similarity, at))


def _unit(answer: dict[str, Any]) -> Vector | None:
    """The embedding in an answer, scaled to length one; ``None`` if there is none to use."""
    try:
        vector = np.asarray(answer["data"][0]["embedding"], dtype=np.float32)
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    if vector.ndim != 1 or not np.isfinite(vector).all():
        return None
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length > 0 else None
