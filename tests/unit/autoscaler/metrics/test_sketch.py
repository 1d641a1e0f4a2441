"""What a restart does not forget."""

import json
import random
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.api.warmpool import WarmPool
from pilotlight.errors import NotInCluster
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight_autoscaler.metrics import sketch
from pilotlight_autoscaler.metrics.history import BINS, History
from pilotlight_autoscaler.metrics.sketch import SketchUnreadable
from pilotlight_autoscaler.metrics.store import TraceStore
from pilotlight_autoscaler.metrics.trace import GAPS, REPLICAS, Progress, Trace, Wakes

POOL = WarmPool.model_validate(
    {"metadata": {"name": "pool", "uid": "1"}, "spec": {"targetRef": {"name": "chat"}}}
)


def trace() -> Trace:
    history = History()
    history.add(600, 900, 20, 1.5)
    progress = Progress(
        at=900.0,
        requests={"a": 3.0},
        concurrency=1.0,
        idle_since_s=880.5,
        whole=False,
        gaps_s=(30.0, 60.0),
        total=21.0,
        wakes=Wakes(waiting=1.0, people=4.0, count=2, asleep=True),
        starts={"a": 33.0},
    )
    return Trace(history, progress)


def test_what_was_kept_is_read_again() -> None:
    found = sketch.read(sketch.written(trace(), "chat"), "chat")
    assert found.progress == trace().progress
    ours, theirs = trace().history.demand(), found.history.demand()
    assert ours.start_s == theirs.start_s
    assert np.array_equal(ours.arrivals, theirs.arrivals)
    assert np.array_equal(ours.concurrency, theirs.concurrency)
    assert np.array_equal(ours.known, theirs.known)


def test_a_trace_that_was_read_goes_on() -> None:
    found = sketch.read(sketch.written(trace(), "chat"), "chat").history
    found.add(900, 960, 7, 0)
    assert found.demand().arrivals.tolist() == [4, 4, 4, 4, 4, 7]


def full(bins: int) -> History:
    """A history that cannot be compressed."""
    draw = np.random.default_rng(1)
    arrivals, work, watched = (draw.random(bins).astype(np.float32) for _ in range(3))
    return History(0, bins, arrivals, work, watched)


def test_the_fullest_trace_fits_into_a_config_map() -> None:
    pod = "a-service-with-a-name-as-long-as-they-come-predictor-00001-deployment-{}"
    progress = Progress(
        at=1.0,
        requests={pod.format(n): random.random() for n in range(REPLICAS)},
        gaps_s=tuple(random.random() for _ in range(GAPS)),
        starts={pod.format(n): random.random() for n in range(100)},
    )
    text = sketch.written(Trace(full(BINS), progress), "chat")
    assert len(text) < sketch.LARGEST
    assert sketch.read(text, "chat").history.length == BINS


def test_what_does_not_fit_loses_its_older_half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketch, "LARGEST", 30_000)
    before = full(4000)
    found = sketch.read(sketch.written(Trace(before), "chat"), "chat").history
    assert (found.first, found.length) == (2000, 2000)
    assert np.array_equal(found.arrivals, before.arrivals[-2000:])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"version": 2}, "version 2"),
        ({"service": "other"}, "of other"),
        ({"lines": "!!"}, "damaged"),
        ({"length": 4}, "bytes, not 48"),
        ({"length": 10**9}, "length"),
        ({"progress": {"at": "yesterday"}}, "progress.at"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_damaged_is_refused_and_says_why(change: dict[str, Any], why: str) -> None:
    text = json.dumps(json.loads(sketch.written(trace(), "chat")) | change)
    with pytest.raises(SketchUnreadable, match=why):
        sketch.read(text, "chat")


@given(st.data())
def test_no_damage_raises_anything_else(data: st.DataObject) -> None:
    text = sketch.written(trace(), "chat")
    at = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(0, 20))
    damaged = text[:at] + data.draw(st.text(max_size=5)) + text[at + length :]
    try:
        found = sketch.read(damaged, "chat")
    except SketchUnreadable:
        return
    assert np.isfinite(found.history.demand().arrivals).all()


class Kept:
    """The part of a cluster that keeps ConfigMaps."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}

    def get(self, reference: Reference) -> Document:
        if reference.name not in self.documents:
            raise NotInCluster(str(reference))
        return self.documents[reference.name]

    def patch(self, reference: Reference, change: dict[str, Any]) -> Document:
        self.get(reference)["data"] |= change["data"]
        return self.get(reference)

    def create(self, document: Document) -> Document:
        self.documents[document["metadata"]["name"]] = document
        return document


def test_a_store_gives_back_what_it_was_given_and_it_belongs_to_the_pool() -> None:
    kept = Kept()
    store = TraceStore(cast("Cluster", kept))
    assert store.load(POOL).progress == Progress()
    store.save(POOL, Trace())
    store.save(POOL, trace())
    assert store.load(POOL).progress == trace().progress
    [owner] = kept.documents["pool-history"]["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("WarmPool", "pool", "1")


def test_a_damaged_history_begins_anew_and_says_so() -> None:
    kept, said = Kept(), list[str]()
    store = TraceStore(cast("Cluster", kept), lambda _, message: said.append(message))
    store.save(POOL, trace())
    kept.documents["pool-history"]["data"]["sketch"] = '{"version": 1'
    assert store.load(POOL).progress == Progress()
    [message] = said
    assert message.startswith("the history in ConfigMap pool-history cannot be used")
