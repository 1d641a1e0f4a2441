"""Workers answer as one server, whichever of them is asked."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pilotlight_transformer.metrics.exposition import merged
from pilotlight_transformer.metrics.workers import WorkerMetrics


@pytest.fixture
def folder() -> Iterator[Path]:
    """A path short enough for a socket."""
    with TemporaryDirectory(prefix="pl-") as name:
        yield Path(name)


def counted(amount: float) -> bytes:
    registry = CollectorRegistry()
    counter = Counter("requests", "How many.", ["code"], registry=registry)
    counter.labels("200").inc(amount)
    counter.labels('5"0{0} x').inc(1)
    return generate_latest(registry)


def test_equal_series_are_added_and_described_once() -> None:
    text = merged([counted(2), counted(3)]).decode()
    assert text.count("# TYPE requests_total counter") == 1
    (family,) = [f for f in text_string_to_metric_families(text) if f.name == "requests"]
    values = {s.labels["code"]: s.value for s in family.samples if s.name == "requests_total"}
    assert values == {"200": 5, '5"0{0} x': 2}


def test_what_only_one_worker_has_is_kept() -> None:
    text = merged([b"# TYPE a gauge\na 1.0\n", b"# TYPE b gauge\nb 2.0\n"]).decode()
    assert "a 1.0" in text
    assert "b 2.0" in text


def test_the_earliest_start_stands() -> None:
    name = b"pilotlight_transformer_counting_since_seconds"
    text = merged([b"# TYPE x gauge\n" + name + b'{revision="r"} %d\n' % at for at in (9, 7, 8)])
    assert text.decode().splitlines()[-1].endswith(" 7.0")
    assert merged([b"# TYPE x gauge\nx_created 9.0\n"] * 2).endswith(b"x_created 9.0\n")


async def test_any_worker_tells_what_all_counted(folder: Path) -> None:
    workers = [WorkerMetrics(folder, n, partial(counted, n + 1)) for n in range(3)]
    for worker in workers:
        await worker.start()
    texts = {await worker.text() for worker in workers}
    assert [b'requests_total{code="200"} 6.0' in text for text in texts] == [True] * len(texts)
    await workers[0].close()
    assert b'requests_total{code="200"} 5.0' in await workers[1].text()
    for worker in workers[1:]:
        await worker.close()


async def test_a_worker_that_died_is_left_out(folder: Path) -> None:
    worker = WorkerMetrics(folder, 0, lambda: counted(1))
    await worker.start()
    (folder / "worker-1.sock").touch()
    assert b'requests_total{code="200"} 1.0' in await worker.text()
    await worker.close()
