"""The queries of the documentation gate a rollout: a real Prometheus, the real canary's source."""

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import yaml
from prometheus_client import CollectorRegistry, make_wsgi_app

from pilotlight.api.analysis import Analysis
from pilotlight.api.rollout import RolloutPolicy
from pilotlight.api.rollout_status import Yardsticks
from pilotlight.metrics.prometheus import Prometheus
from pilotlight_canary.metrics.edges import problems
from pilotlight_canary.metrics.interval import interval
from pilotlight_canary.metrics.queried import PrometheusSource
from pilotlight_canary.metrics.snapshot import Look, Snapshot
from pilotlight_canary.metrics.source import Target
from pilotlight_canary.observation import Counts, Interval
from tests.unit.prometheus_server import prometheus_server
from tests.unit.transformer.feedback.opinions import Numbered, asked, give, play_with

PAGE = Path(__file__).parents[4] / "docs/transformer/feedback.md"
STABLE, CANARY = "chat-predictor-00001", "chat-predictor-00002"


def documented() -> RolloutPolicy:
    """What the page says."""
    for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL):
        document = yaml.safe_load(block)
        if "spec" in document:
            return RolloutPolicy.model_validate(document["spec"])
    raise AssertionError("the page has no rollout")


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


@contextmanager
def exposed(registry: CollectorRegistry) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, make_wsgi_app(registry), handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def scraped(port: int, folder: Path) -> Iterator[str]:
    """A Prometheus that gives the transformer's pod its own labels, as in a cluster."""
    labels = {"namespace": "here", "revision": "chat-transformer-00007", "pod": "t-1"}
    static = [{"targets": [f"127.0.0.1:{port}"], "labels": labels}]
    settings = {
        "global": {"scrape_interval": "300ms", "scrape_timeout": "250ms"},
        "scrape_configs": [{"job_name": "transformer", "static_configs": static}],
    }
    with prometheus_server(folder, settings) as url:
        yield url


def test_the_documented_rollout_is_accepted() -> None:
    assert problems(documented()) == []


async def test_scores_and_flags_of_both_versions_reach_the_rollout(tmp_path: Path) -> None:
    analysis, numbered, registry = documented().analysis, Numbered(), CollectorRegistry()
    async with play_with("", tmp_path, numbered) as play:
        for collector in play.pipeline.collectors():
            registry.register(collector)

        async def rated(revision: str, scores: tuple[float, ...], flags: int) -> None:
            numbered.revision = revision
            for index, score in enumerate(scores):
                await give(play, await asked(play), score=score, flag=index < flags)

        await rated(STABLE, (1,), 0)
        await rated(CANARY, (1,), 0)
        with exposed(registry) as port, scraped(port, tmp_path) as url, Prometheus(url) as client:
            source = PrometheusSource(client)
            before = await asyncio.to_thread(look, source, analysis, 1, 0.0)
            await rated(STABLE, (1, 1, 0.5, -1), 0)
            await rated(CANARY, (1, 0, -1), 2)
            after = await asyncio.to_thread(look, source, analysis, 5, before.at + 1)
    found = interval(before, after, analysis, Yardsticks())
    assert isinstance(found, Interval), found
    assert found.counts == {("scores", ""): Counts(2, 3, 1, 4), ("flags", ""): Counts(2, 3, 0, 4)}


def look(source: PrometheusSource, analysis: Analysis, scores: int, after: float) -> Snapshot:
    """A look after a moment, in which so many scores of stable have been scraped."""
    target = Target("here", STABLE, CANARY, analysis=analysis)
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s:
        found = source.read(target)
        if isinstance(found.queries, Look) and found.at > after:
            counts = [
                reading.counters.get(("scores", "total"))
                for instance, reading in sorted(found.queries.readings.items())
                if instance.revision == STABLE
            ]
            if counts == [scores] and len(found.queries.readings) == 2:
                return found
        time.sleep(0.1)
    raise AssertionError("it did not come")
