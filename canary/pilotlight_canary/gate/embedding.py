"""Similarity by meaning: the cosine of two answers' vectors."""

import math
from collections.abc import Sequence

from pilotlight.errors import OperationError
from pilotlight_canary.gate.answer import Answer, Failure
from pilotlight_canary.gate.prompt import Prompt
from pilotlight_canary.gate.server import Server
from pilotlight_canary.gate.similarity import SAME, Judgement, same_wording, wording


class Embedding:
    """Asks a server for vectors.

    Args:
        server: Its address ends where ``/embeddings`` follows.
        model: Whose vectors.
        min_similarity: Cosine below which two answers differ.
    """

    def __init__(self, server: Server, model: str, min_similarity: float) -> None:
        self._server = server
        self._model = model
        self._min_similarity = min_similarity

    async def judge(self, prompt: Prompt, one: Answer, other: Answer) -> Judgement:
        """By the cosine; an empty answer has no meaning, and differs from any other."""
        if same_wording(one, other):
            return SAME
        texts = [wording(one), wording(other)]
        if not all(texts):
            return Judgement(different=True, score=0.0, reason="one answer is empty")
        score = cosine(*await self._vectors(texts))
        different = score < self._min_similarity
        return Judgement(different, max(0.0, score), f"similarity {score:.3f}")

    async def _vectors(self, texts: list[str]) -> tuple[list[float], list[float]]:
        body = {"model": self._model, "input": texts, "encoding_format": "float"}
        document = await self._server.call("POST", "/embeddings", body)
        where = f"the embedding endpoint {self._server.address}"
        if isinstance(document, Failure):
            raise OperationError(f"{where} does not answer: {document.kind}, {document.message}")
        try:
            entries = sorted(document["data"], key=lambda entry: int(entry["index"]))
            one, other = ([float(x) for x in entry["embedding"]] for entry in entries)
        except (LookupError, TypeError, ValueError) as error:
            raise OperationError(f"{where} answers no two vectors: {error!r}") from error
        return one, other


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Of the angle between two vectors, from -1 to 1; 0 if one has no length.

    Raises:
        OperationError: They have different dimensions.
    """
    if len(one) != len(other):
        raise OperationError(f"vectors of {len(one)} and {len(other)} numbers cannot be compared")
    # Scaled first: squares of large numbers would overflow.
    largest = [max((abs(x) for x in vector), default=0.0) for vector in (one, other)]
    if not all(largest):
        return 0.0
    a = [x / largest[0] for x in one]
    b = [x / largest[1] for x in other]
    product = math.fsum(x * y for x, y in zip(a, b, strict=True))
    lengths = math.sqrt(math.fsum(x * x for x in a)) * math.sqrt(math.fsum(y * y for y in b))
    return max(-1.0, min(1.0, product / lengths))
