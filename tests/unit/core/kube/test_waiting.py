"""Waiting, on a simulated clock."""

from dataclasses import dataclass, field

import pytest

from pilotlight.clock import SimulatedClock
from pilotlight.errors import AccessDenied, ClusterError, NotInCluster, NotReached
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import POD
from pilotlight.kube.waiting import wait

WHERE = Reference(POD, "a", "b")


@dataclass
class Answers:
    """A cluster that gives these answers in turn, and the last one from then on."""

    answers: list[Document | ClusterError]
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    asked: int = 0

    def get(self, reference: Reference) -> Document:
        assert reference == WHERE
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, ClusterError):
            raise answer
        return answer

    def wait(self, timeout_s: float) -> Document:
        return wait(
            self,
            WHERE,
            lambda seen: None if seen.get("on") else "it is off",
            timeout_s=timeout_s,
            interval_s=1,
            clock=self.clock,
            sleep=self.clock.advance,
        )


def test_what_is_well_already_takes_no_time() -> None:
    cluster = Answers([{"on": True}])
    assert cluster.wait(0) == {"on": True}
    assert cluster.clock.now == 0


def test_an_object_that_is_not_there_yet_is_waited_for() -> None:
    cluster = Answers([NotInCluster("no"), {}, {"on": True}])
    assert cluster.wait(10) == {"on": True}
    assert cluster.clock.now == 2


def test_an_api_server_that_restarts_is_waited_for() -> None:
    cluster = Answers([NotReached("gone"), {"on": True}])
    assert cluster.wait(10) == {"on": True}


def test_the_last_problem_is_in_the_message() -> None:
    cluster = Answers([NotInCluster("no"), {}])
    with pytest.raises(NotReached, match="Pod a in namespace b: not in 3 s: it is off"):
        cluster.wait(3)
    assert cluster.clock.now == 3


def test_no_permission_is_not_waited_for() -> None:
    cluster = Answers([AccessDenied("not you"), {"on": True}])
    with pytest.raises(AccessDenied):
        cluster.wait(10)
    assert cluster.asked == 1
