"""Who leads, on a real API server; time passes when the test says so."""

import threading
import time
from collections.abc import Iterator

import pytest

from pilotlight.clock import SimulatedClock, SystemClock
from pilotlight.controller.fence import Fence, NotLeading
from pilotlight.controller.leadership import Leadership
from pilotlight.controller.lease import Election, Term
from pilotlight.errors import NotReached
from pilotlight.kube.access import ApiServer, connect
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import CONFIG_MAP, LEASE, NAMESPACE
from pilotlight_cluster.controlplane import ControlPlane

pytestmark = pytest.mark.controlplane

HOME = "controller-lease"
TERM = Term(lease_s=15, renew_deadline_s=10, retry_s=2)
FAST = Term(lease_s=1, renew_deadline_s=0.6, retry_s=0.1)


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> Iterator[ApiServer]:
    with connect(control_plane.kubeconfig) as opened:
        opened.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
        yield opened
        opened.delete(Reference(NAMESPACE, HOME))


@pytest.fixture
def lease(cluster: ApiServer, request: pytest.FixtureRequest) -> Reference:
    name = request.node.originalname.replace("_", "-")[:60].strip("-")
    return Reference(LEASE, name, HOME)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(1_700_000_000)


def candidate(cluster: ApiServer, lease: Reference, name: str, clock: SimulatedClock) -> Election:
    return Election(cluster, lease, name, TERM, clock)


def spec(cluster: ApiServer, lease: Reference) -> Document:
    found: Document = cluster.get(lease)["spec"]
    return found


def test_the_first_takes_it_and_the_second_waits(
    cluster: ApiServer, lease: Reference, clock: SimulatedClock
) -> None:
    first, second = (candidate(cluster, lease, name, clock) for name in ("a", "b"))
    assert first.attempt()
    assert not second.attempt()
    assert second.leader == "a"


def test_of_many_at_once_one_takes_it(
    cluster: ApiServer, lease: Reference, clock: SimulatedClock
) -> None:
    elections = [candidate(cluster, lease, str(number), clock) for number in range(8)]
    won: list[bool] = []
    start = threading.Barrier(len(elections))

    def attempt(election: Election) -> None:
        start.wait()
        won.append(election.attempt())

    threads = [threading.Thread(target=attempt, args=(one,)) for one in elections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_a_renewed_lease_is_never_taken(
    cluster: ApiServer, lease: Reference, clock: SimulatedClock
) -> None:
    first, second = (candidate(cluster, lease, name, clock) for name in ("a", "b"))
    for _ in range(20):
        assert first.attempt()
        assert not second.attempt()
        clock.advance(TERM.renew_deadline_s)


def test_a_lease_that_is_not_renewed_is_taken_after_its_whole_duration(
    cluster: ApiServer, lease: Reference, clock: SimulatedClock
) -> None:
    first, second = (candidate(cluster, lease, name, clock) for name in ("a", "b"))
    assert first.attempt()
    assert not second.attempt()
    clock.advance(TERM.lease_s - 0.1)
    assert not second.attempt()
    clock.advance(0.2)
    assert second.attempt()
    assert not first.attempt()
    assert first.was_taken
    assert spec(cluster, lease)["leaseTransitions"] == 1


def test_one_who_comes_late_waits_a_whole_duration_whatever_the_lease_says_of_the_time(
    cluster: ApiServer, lease: Reference, clock: SimulatedClock
) -> None:
    assert candidate(cluster, lease, "a", SimulatedClock(0)).attempt()
    late = candidate(cluster, lease, "b", clock)
    assert not late.attempt()
    clock.advance(TERM.lease_s + 0.1)
    assert late.attempt()


def test_a_released_lease_is_taken_at_once(
    cluster: ApiServer, lease: Reference, clock: SimulatedClock
) -> None:
    first, second = (candidate(cluster, lease, name, clock) for name in ("a", "b"))
    assert first.attempt()
    first.release()
    assert second.attempt()


def test_a_lease_that_another_one_holds_is_not_released(
    cluster: ApiServer, lease: Reference, clock: SimulatedClock
) -> None:
    first, second = (candidate(cluster, lease, name, clock) for name in ("a", "b"))
    assert first.attempt()
    second.release()
    assert spec(cluster, lease)["holderIdentity"] == "a"


class Silent:
    """An election whose API server can be silenced."""

    def __init__(self, election: Election) -> None:
        self._election = election
        self.leader = ""
        self.was_taken = False
        self.has_word = True
        self.is_silent = False

    def attempt(self) -> bool:
        if self.is_silent:
            raise NotReached("no answer")
        return self._election.attempt()

    def release(self) -> None:
        self._election.release()


async def test_a_leader_that_cannot_renew_ends_before_another_one_may_begin(
    cluster: ApiServer, lease: Reference
) -> None:
    clock, lost, moments = SystemClock(), threading.Event(), []

    def on_lost(_: str) -> None:
        moments.append(clock.monotonic())
        lost.set()

    silent = Silent(Election(cluster, lease, "a", FAST, clock))
    leader = Leadership(silent, FAST, clock, on_lost)  # type: ignore[arg-type]
    leader.start()
    await leader.wait()
    silent.is_silent = True
    second = Leadership(Election(cluster, lease, "b", FAST, clock), FAST, clock, on_lost)
    second.start()
    await second.wait()
    taken = clock.monotonic()
    leader.stop(release=False)
    second.stop(release=True)
    assert lost.is_set()
    assert moments[0] < taken
    assert not leader.is_held()


def config_map(name: str) -> Document:
    metadata = {"name": name, "namespace": HOME}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def test_nothing_is_written_without_the_lease_and_everything_can_be_read(
    cluster: ApiServer,
) -> None:
    leads = [True]
    fence = Fence(cluster, lambda: leads[0])
    fence.create(config_map("fenced"))
    leads[0] = False
    where = Reference(CONFIG_MAP, "fenced", HOME)
    writes = (
        lambda: fence.create(config_map("other")),
        lambda: fence.apply(config_map("fenced")),
        lambda: fence.patch(where, {"data": {"a": "1"}}),
        lambda: fence.delete(where),
    )
    for write in writes:
        with pytest.raises(NotLeading):
            write()
    assert "data" not in fence.get(where)
    assert fence.list(CONFIG_MAP, HOME)


def test_a_fence_that_is_closed_waits_for_writes_under_way(cluster: ApiServer) -> None:
    begun, go = threading.Event(), threading.Event()

    class Slow:
        def create(self, document: Document, *, dry_run: bool = False) -> Document:
            begun.set()
            go.wait()
            return document

    fence = Fence(Slow(), lambda: True)  # type: ignore[arg-type]
    writing = threading.Thread(target=lambda: fence.create(config_map("slow")))
    writing.start()
    begun.wait()
    assert not fence.close(0.05)
    with pytest.raises(NotLeading):
        fence.create(config_map("late"))
    threading.Timer(0.1, go.set).start()
    began = time.monotonic()
    assert fence.close(5)
    assert time.monotonic() - began < 5
    writing.join()
