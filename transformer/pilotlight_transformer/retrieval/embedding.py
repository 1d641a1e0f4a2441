"""Embeddings: of a question by the predictor, and of many chunks in batches."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np

from pilotlight.errors import OperationError, Unavailable
from pilotlight_transformer.pipeline.step import Predictor
from pilotlight_transformer.pipeline.target import Target
from pilotlight_transformer.retrieval.document import Vector, unit

PATH = "/v1/embeddings"
ASK_S = 30.0
"""Beyond every deadline: a step's impatience is no sign that a predictor is ill."""
BATCH = 32
ATTEMPTS = 6
MAX_BACKOFF_S = 10.0


def read_embeddings(answer: Mapping[str, Any], count: int) -> Vector:
    """The embeddings of an answer, a row each, of length 1, in the order of the texts.

    Raises:
        ValueError: It does not hold ``count`` embeddings of one length.
    """
    try:
        entries = sorted(answer["data"], key=lambda entry: int(entry["index"]))
        vectors = np.asarray([entry["embedding"] for entry in entries], dtype=np.float32)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ValueError("the answer holds no embeddings") from None
    if vectors.ndim != 2 or len(vectors) != count or not vectors.size:
        raise ValueError("the answer does not hold one embedding for each text")
    return unit(vectors)


class QuestionEmbedder:
    """Embeds a question by the predictor, or by another server.

    Args:
        url: ``None``: the predictor's own.
    """

    def __init__(self, predictor: Predictor, model: str, url: str | None) -> None:
        self._predictor = predictor
        self._model = model
        self._target = None if url is None else _target(url, model)

    async def embed(self, text: str) -> Vector:
        """The embedding, of length 1.

        Raises:
            RequestError: There is none.
        """
        answer = await self._predictor.ask(
            PATH, {"model": self._model, "input": text}, ASK_S, self._target
        )
        try:
            vector: Vector = read_embeddings(answer, 1)[0]
        except ValueError as error:
            raise Unavailable(f"the embedding model cannot be used: {error}") from None
        return vector


def _target(url: str, model: str) -> Target:
    parts = urlsplit(url)
    return Target(f"embeddings:{model}", parts.hostname or "", parts.port or 80)


class ChunkEmbedder:
    """Embeds many texts over HTTP, and asks again when the server is busy or away.

    Args:
        client: Closed by whoever made it.
        url: Of the server, without path.
        backoff_s: Before the second attempt; doubled each time, up to ten seconds.
    """

    def __init__(
        self, client: httpx.AsyncClient, url: str, model: str, backoff_s: float = 0.5
    ) -> None:
        self._client = client
        self._url = url.rstrip("/") + PATH
        self._model = model
        self._backoff_s = backoff_s

    async def embed(self, texts: Sequence[str]) -> Vector:
        """An embedding a row.

        Raises:
            OperationError: The server does not give them.
        """
        batches = [
            await self._batch(list(texts[at : at + BATCH])) for at in range(0, len(texts), BATCH)
        ]
        if len({batch.shape[1] for batch in batches}) > 1:
            raise OperationError("the embedding model changed while it was asked: run it again")
        return np.concatenate(batches)

    async def _batch(self, texts: list[str]) -> Vector:
        why = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(min(MAX_BACKOFF_S, self._backoff_s * 2 ** (attempt - 1)))
            try:
                answer = await self._client.post(
                    self._url, json={"model": self._model, "input": texts}
                )
            except httpx.TransportError as error:
                why = type(error).__name__
                continue
            if answer.status_code == 429 or answer.status_code >= 500:
                why = f"status {answer.status_code}"
                continue
            return self._read(answer, len(texts))
        raise OperationError(
            f"{self._url} gave no embeddings in {ATTEMPTS} attempts (the last one: {why}): what is "
            "stored stays; run the same command again when it answers"
        )

    def _read(self, answer: httpx.Response, count: int) -> Vector:
        if answer.status_code != 200:
            raise OperationError(
                f"{self._url} refuses the model {self._model} or its texts with status "
                f"{answer.status_code}: give the name of an embedding model that it serves, and "
                "chunks that fit into it"
            )
        try:
            return read_embeddings(answer.json(), count)
        except ValueError as error:
            raise OperationError(
                f"{self._url}: {error}: is {self._model} an embedding model?"
            ) from None
