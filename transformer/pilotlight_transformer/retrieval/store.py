"""The port to the documents: what a store of them must do."""

from collections.abc import Sequence
from typing import Protocol

from pilotlight_transformer.retrieval.document import Chunk, Document, Found, Vector


class DocumentStore(Protocol):
    """Where documents are kept and searched. All methods raise ``Unavailable`` when they cannot."""

    async def open(self) -> None:
        """Make ready for searches."""
        ...

    async def prepare(self) -> None:
        """Make tables, if they are missing, before documents are put."""
        ...

    async def search(
        self, tenant: str, collection: str, model: str, vector: Vector, top_k: int
    ) -> list[Found]:
        """The chunks nearest to ``vector``, of this tenant and of the shared ones, best first.

        Only what ``model`` embedded is compared.
        """
        ...

    async def documents(
        self, tenant: str | None = None, collection: str | None = None
    ) -> list[Document]:
        """What is stored, by tenant, collection and name; of one tenant only, if one is given."""
        ...

    async def put(self, document: Document, chunks: Sequence[Chunk], vectors: Vector) -> None:
        """Store a document, all of it or nothing, in place of one with the same name."""
        ...

    async def delete(self, tenant: str, collection: str, names: Sequence[str]) -> int:
        """Delete documents, and tell how many there were."""
        ...

    async def close(self) -> None:
        """Close what was opened."""
        ...
