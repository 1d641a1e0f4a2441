"""Brings the documents of a folder into a store: only what has changed, a document at a time."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pilotlight.clock import Clock
from pilotlight.errors import UsageError
from pilotlight_transformer.retrieval.chunking import Count, cut
from pilotlight_transformer.retrieval.document import Chunk, Document
from pilotlight_transformer.retrieval.embedding import BATCH, ChunkEmbedder
from pilotlight_transformer.retrieval.folder import Skipped, TextFile
from pilotlight_transformer.retrieval.settings import ChunkSettings
from pilotlight_transformer.retrieval.store import DocumentStore


@dataclass
class Report:
    """What was done, by names of documents."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    chunks: int = 0

    @property
    def broken(self) -> bool:
        """Whether a file is missing that should be there."""
        return any(skipped.broken for skipped in self.skipped)


@dataclass(frozen=True)
class Ingest:
    """One run into one collection. What is stored stays stored, however the run ends.

    Attributes:
        tenant: Whose documents they are.
        count: Tokens of texts, for the size of chunks.
        told: Called with the name of each document when it is on disk.
    """

    store: DocumentStore
    embedder: ChunkEmbedder
    clock: Clock
    tenant: str
    collection: str
    model: str
    chunks: ChunkSettings
    count: Count
    told: Callable[[str], None] = lambda _: None

    async def run(self, files: Iterable[TextFile | Skipped], *, prune: bool = False) -> Report:
        """Store what is new or has changed.

        Args:
            files: Of the folder.
            prune: Delete what the collection holds beyond them.

        Raises:
            UsageError: The folder is empty, and ``prune`` would delete everything.
            OperationError: The embedding server does not answer.
            Unavailable: The store does not take it.
        """
        await self.store.prepare()
        stored = await self.store.documents(self.tenant, self.collection)
        known = {document.name: document for document in stored}
        report = Report()
        waiting: list[tuple[Document, list[Chunk]]] = []
        seen: set[str] = set()
        for file in files:
            seen.add(file.name)
            if isinstance(file, Skipped):
                report.skipped.append(file)
                continue
            digest = self._digest(file)
            before = known.get(file.name)
            if before is not None and before.digest == digest:
                report.unchanged.append(file.name)
                continue
            (report.added if before is None else report.changed).append(file.name)
            waiting.append(self._cut(file, digest))
            if sum(len(chunks) for _, chunks in waiting) >= BATCH:
                await self._put(waiting, report)
                waiting = []
        await self._put(waiting, report)
        if prune:
            await self._prune(known.keys() - seen, report)
        return report

    def _digest(self, file: TextFile) -> str:
        cutting = f"{self.model}\0{self.chunks.model_dump_json()}\0{file.title}\0{file.text}"
        return hashlib.sha256(cutting.encode()).hexdigest()

    def _cut(self, file: TextFile, digest: str) -> tuple[Document, list[Chunk]]:
        chunks = cut(file.text, self.chunks.tokens, self.chunks.overlap, self.count)
        document = Document(
            tenant=self.tenant,
            collection=self.collection,
            name=file.name,
            title=file.title,
            digest=digest,
            model=self.model,
            chunks=len(chunks),
            stored_at=self.clock.time(),
        )
        return document, chunks

    async def _put(self, waiting: list[tuple[Document, list[Chunk]]], report: Report) -> None:
        if not waiting:
            return
        texts = [chunk.text for _, chunks in waiting for chunk in chunks]
        vectors = await self.embedder.embed(texts)
        at = 0
        for document, chunks in waiting:
            await self.store.put(document, chunks, vectors[at : at + len(chunks)])
            at += len(chunks)
            report.chunks += len(chunks)
            self.told(document.name)

    async def _prune(self, vanished: set[str], report: Report) -> None:
        if not vanished:
            return
        if not (report.added or report.changed or report.unchanged):
            raise UsageError(
                "the folder holds no document, and --prune would delete all that are stored: "
                "check the path, or use `pilotlight documents delete --all`"
            )
        report.deleted = sorted(vanished)
        await self.store.delete(self.tenant, self.collection, report.deleted)
