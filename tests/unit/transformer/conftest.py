"""What tests of the transformer share: a Redis of their own."""

from collections.abc import Iterator

import pytest

from tests.unit.transformer.redis_server import RedisServer


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A real Redis on a port of its own, which a test may stop and start again."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()
