"""A document, its chunks, and a chunk that was found."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float32]
"""One dimension: an embedding, of length 1. Two: an embedding a row."""

SHARED = ""
"""The tenant of documents that all tenants may find. No identity has this name."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document.

    Attributes:
        number: Counts from 0.
        tokens: As counted when it was cut.
    """

    number: int
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is stored, without its text.

    Attributes:
        tenant: Whose it is; :data:`SHARED`: everybody's.
        collection: A name under which documents are searched together.
        name: Its path below the folder that it came from.
        digest: Of its text and of how it was cut and embedded: equal, nothing has changed.
        model: That embedded it.
        chunks: How many.
        stored_at: Seconds since the epoch.
    """

    tenant: str
    collection: str
    name: str
    title: str
    digest: str
    model: str
    chunks: int
    stored_at: float


@dataclass(frozen=True, slots=True)
class Found:
    """A chunk that answers a question, with its cosine similarity."""

    document: str
    title: str
    chunk: Chunk
    score: float


def unit(vectors: Vector) -> Vector:
    """Rows of length 1.

    Raises:
        ValueError: A row has no direction: all zero, or not finite.
    """
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or np.any(lengths == 0):
        raise ValueError("an embedding is zero or not finite")
    return np.asarray(vectors / lengths, dtype=np.float32)
