"""What is shown: a good version is promoted, a bad one is taken back, and nobody touches either."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pilotlight.api.rollout_status import Phase
from pilotlight.clock import utc_now
from pilotlight.demo.standin import code
from pilotlight.errors import ClusterError, NotInCluster, OperationError
from pilotlight.kube.access import ApiServer
from pilotlight.kube.document import Document, Reference, reference_to
from pilotlight.kube.kinds import INFERENCE_ROLLOUT, INFERENCE_SERVICE, NAMESPACE, SERVICE
from pilotlight.kube.waiting import has_condition, wait
from pilotlight_canary.demo.crowd import Crowd, Tally
from pilotlight_canary.demo.engine_room import holds_changes, running
from pilotlight_canary.demo.scene import Scene
from pilotlight_canary.demo.service import FIRST, GOOD, NAME, Version, inference_service, rollout
from pilotlight_canary.timeline import Timeline, has_ended
from pilotlight_canary.view.keeping import timeline
from pilotlight_canary.view.observer import Observer
from pilotlight_canary.view.seen import Seen

READY_S = 120.0
SEEN_S = 60.0
ROLLOUT_S = 240.0
GONE_S = 90.0
LOOK_S = 0.5
GATEWAY = Reference(SERVICE, "kourier", "kourier-system")


@dataclass(frozen=True)
class Act:
    """One version's rollout as it went."""

    version: Version
    outcome: Phase
    seconds: float
    course: Timeline
    before: Tally
    after: Tally


@dataclass
class Story:
    """The demonstration on one cluster.

    Attributes:
        namespace: Of its own; made, and taken away at the end.
        bad: The version that is to be taken back.
        rate: Requests a second.
        gateway: Where requests enter; by default Kourier's address inside the cluster.
        kubeconfig: For a controller of our own.
    """

    cluster: ApiServer
    namespace: str
    bad: Version
    rate: float
    gateway: str = ""
    prometheus: str = ""
    kubeconfig: Path | None = None
    scene: Scene = field(default_factory=Scene)
    acts: list[Act] = field(default_factory=list)

    def run(self) -> None:
        """Tell it from the beginning.

        Raises:
            OperationError: It did not go as it should.
        """
        host = self._deploy()
        gateway = self.gateway or self._gateway()
        with (
            running(self.cluster, self.namespace, self.kubeconfig),
            Crowd(gateway, host, self.rate) as crowd,
        ):
            self._enrol(crowd)
            self._roll_out(GOOD, Phase.SUCCEEDED, crowd)
            self._roll_out(self.bad, Phase.ROLLED_BACK, crowd)
            self.scene.end()

    def clear(self) -> None:
        """Take away what was deployed; the rollout first, while its controller may still run."""
        for kind in (INFERENCE_ROLLOUT, INFERENCE_SERVICE):
            self._gone(Reference(kind, NAME, self.namespace))
        self.cluster.delete(Reference(NAMESPACE, self.namespace))

    def _gone(self, reference: Reference) -> None:
        if not self.cluster.delete(reference):
            return
        self._until(lambda: self._is_gone(reference), GONE_S, f"{reference} is still there")

    def _is_gone(self, reference: Reference) -> bool:
        try:
            self.cluster.get(reference)
        except NotInCluster:
            return True
        return False

    def _deploy(self) -> str:
        self.scene.begin(f"kubectl apply: version {FIRST.number}")
        self._apply(
            {"apiVersion": "v1", "kind": NAMESPACE.name, "metadata": {"name": self.namespace}}
        )
        self._apply(code(self.namespace))
        service = inference_service(self.namespace, FIRST)
        self._apply(service)
        reference = reference_to(service)
        ready = wait(self.cluster, reference, has_condition("Ready"), timeout_s=READY_S)
        return urlsplit(ready["status"]["url"]).hostname or ""

    def _gateway(self) -> str:
        address = self.cluster.get(GATEWAY)["spec"]["clusterIP"]
        return f"http://{address}"

    def _enrol(self, crowd: Crowd) -> None:
        self.scene.begin("kubectl apply: an InferenceRollout for it")
        self._apply(rollout(self.namespace, self.prometheus))
        self._until(
            lambda: _is_known(self._look(crowd)), SEEN_S,
            "the controller has not looked at the rollout",
        )  # fmt: skip

    def _roll_out(self, version: Version, expected: Phase, crowd: Crowd) -> None:
        self.scene.begin(f"kubectl apply: version {version.number}, which {version.words}")
        begun, before = time.monotonic(), crowd.tally()
        held = not holds_changes(self.cluster)
        last = self._look(crowd).status.canary_revision
        self._apply(inference_service(self.namespace, version, held=held))
        self._until(
            lambda: self._look(crowd).status.canary_revision not in ("", last), SEEN_S,
            f"the controller has not seen version {version.number}",
        )  # fmt: skip
        self._until(
            lambda: has_ended(self._look(crowd).status), ROLLOUT_S,
            f"version {version.number} was neither promoted nor taken back",
        )  # fmt: skip
        outcome = self._look(crowd).status.phase
        course = timeline(self.cluster, NAME, self.namespace)
        seconds = time.monotonic() - begun
        self.acts.append(Act(version, outcome, seconds, course, before, crowd.tally()))
        if outcome is not expected:
            raise OperationError(f"version {version.number} ended as {outcome}, not {expected}")

    def _look(self, crowd: Crowd) -> Seen:
        seen = Observer(self.cluster, NAME, self.namespace, utc_now).look()
        self.scene.seen, self.scene.tally = seen, crowd.tally()
        return seen

    def _apply(self, document: Document) -> None:
        self.cluster.apply(document, force=True)

    def _until(self, happened: Callable[[], bool], timeout_s: float, failure: str) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                if happened():
                    return
                why = ""
            except ClusterError as error:
                why = f": {error}"
            if time.monotonic() > deadline:
                raise OperationError(f"after {timeout_s:.0f} s {failure}{why}")
            time.sleep(LOOK_S)


def _is_known(seen: Seen) -> bool:
    """The controller has recorded what serves now."""
    return any(record.stable for record in seen.status.components.values())
