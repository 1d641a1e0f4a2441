"""What is shown: both services sleep; one is awake when people come, the other wakes then."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx

from pilotlight.api.stored import understood
from pilotlight.api.warmpool import WarmPool
from pilotlight.clock import utc_now
from pilotlight.demo.standin import MODEL, code
from pilotlight.errors import ClusterError, NotInCluster, OperationError
from pilotlight.kube.access import ApiServer
from pilotlight.kube.document import Reference, condition, reference_to
from pilotlight.kube.kinds import INFERENCE_SERVICE, NAMESPACE, POD, SERVICE, WARM_POOL
from pilotlight.kube.waiting import has_condition, wait
from pilotlight_autoscaler.demo.scene import Bill, Scene
from pilotlight_autoscaler.demo.services import PLAIN, WARM, inference_service, warm_pool
from pilotlight_autoscaler.policy.look import REACTION_S

READY_S = 120.0
SEEN_S = 60.0
ASLEEP_S = 150.0
GONE_S = 90.0
LOOK_S = 0.5
ASKS, EVERY_S = 8, 1.0
DEADLINE_S = 60.0
MARGIN_S = 15.0
GATEWAY = Reference(SERVICE, "kourier", "kourier-system")


@dataclass
class Story:
    """The demonstration on one cluster.

    Attributes:
        namespace: Of its own; made, and taken away at the end.
        gateway: Where requests enter; by default Kourier's address inside the cluster.
    """

    cluster: ApiServer
    namespace: str
    gateway: str = ""
    scene: Scene = field(default_factory=Scene)

    def run(self) -> None:
        """Tell it from the beginning.

        Raises:
            OperationError: It did not go as it should.
        """
        self.scene.bills = (Bill(WARM), Bill(PLAIN))
        stop = threading.Event()
        hosts = self._deploy()
        watcher = threading.Thread(target=self._watch, args=(stop,), daemon=True)
        watcher.start()
        try:
            self._sleep()
            self._until_the_hour(self._schedule())
            self._people_come(hosts)
        finally:
            stop.set()
            watcher.join(SEEN_S)

    def clear(self) -> None:
        """Take away what was deployed; the pool first, so that its controller can release it."""
        for kind, name in (
            (WARM_POOL, WARM),
            (INFERENCE_SERVICE, WARM),
            (INFERENCE_SERVICE, PLAIN),
        ):
            self._gone(Reference(kind, name, self.namespace))
        self.cluster.delete(Reference(NAMESPACE, self.namespace))

    def _gone(self, reference: Reference) -> None:
        if self.cluster.delete(reference):
            self._until(lambda: self._is_gone(reference), GONE_S, f"{reference} is still there")

    def _deploy(self) -> dict[str, str]:
        self.scene.begin("kubectl apply: two alike services, and a WarmPool for one of them")
        metadata = {"name": self.namespace}
        self.cluster.apply({"apiVersion": "v1", "kind": NAMESPACE.name, "metadata": metadata})
        self.cluster.apply(code(self.namespace), force=True)
        self.cluster.apply(warm_pool(self.namespace), force=True)
        hosts = {}
        services = [inference_service(self.namespace, name) for name in (WARM, PLAIN)]
        for service in services:
            self.cluster.apply(service, force=True)
        for service in services:
            reference = reference_to(service)
            ready = wait(self.cluster, reference, has_condition("Ready"), timeout_s=READY_S)
            hosts[reference.name] = urlsplit(ready["status"]["url"]).hostname or ""
        self._until(
            lambda: self._pool().status.cold_start_seconds is not None, SEEN_S,
            "the pool's controller has not measured the first start",
        )  # fmt: skip
        return hosts

    def _sleep(self) -> None:
        self.scene.begin("nobody asks: Knative lets both go to zero")
        self._until(
            lambda: not any(self._pods(bill.name) for bill in self.scene.bills), ASLEEP_S,
            "they did not go to zero",
        )  # fmt: skip
        # From here on it counts.
        for bill in self.scene.bills:
            bill.replica_s = 0.0

    def _schedule(self) -> datetime:
        start_s = self._pool().status.cold_start_seconds or 0.0
        ready_by = utc_now() + timedelta(seconds=start_s + REACTION_S + MARGIN_S)
        hour = (ready_by + timedelta(minutes=1)).replace(second=0, microsecond=0)
        self.scene.begin(f"the schedule says {hour:%H:%M} UTC; a start takes {start_s:.0f} s")
        self.scene.hour = hour
        self.cluster.apply(warm_pool(self.namespace, hour), force=True)
        return hour

    def _until_the_hour(self, hour: datetime) -> None:
        while (left_s := (hour - utc_now()).total_seconds()) > 0:
            time.sleep(min(LOOK_S, left_s))

    def _people_come(self, hosts: dict[str, str]) -> None:
        self.scene.begin("people come, to both")
        asking = [
            threading.Thread(target=self._ask, args=(bill, hosts[bill.name]), daemon=True)
            for bill in self.scene.bills
            for _ in range(ASKS)
        ]
        for index in range(ASKS):
            for thread in asking[index::ASKS]:
                thread.start()
            time.sleep(EVERY_S)
        for thread in asking:
            thread.join(DEADLINE_S)
        self.scene.end()
        if any(bill.failed for bill in self.scene.bills):
            raise OperationError("requests were lost")

    def _ask(self, bill: Bill, host: str) -> None:
        body = {"model": MODEL, "prompt": "Good morning!", "max_tokens": 6}
        begun = time.monotonic()
        try:
            answer = httpx.post(
                f"{self._entrance()}/v1/completions",
                json=body,
                headers={"Host": host},
                timeout=DEADLINE_S,
            )
            answer.raise_for_status()
        except httpx.HTTPError:
            bill.failed += 1
        else:
            bill.waits_s.append(time.monotonic() - begun)

    def _entrance(self) -> str:
        if self.gateway:
            return self.gateway
        return f"http://{self.cluster.get(GATEWAY)['spec']['clusterIP']}"

    def _watch(self, stop: threading.Event) -> None:
        last = time.monotonic()
        while not stop.wait(LOOK_S):
            now = time.monotonic()
            try:
                found = [self._pods(bill.name) for bill in self.scene.bills]
                self.scene.pool = self._pool()
            except ClusterError:
                # The next look shows what is there, and bills this time as well.
                continue
            for bill, pods in zip(self.scene.bills, found, strict=True):
                bill.ready = sum(pods.values())
                bill.starting = len(pods) - bill.ready
                bill.replica_s += len(pods) * (now - last)
            last = now

    def _pods(self, name: str) -> dict[str, bool]:
        """Those that stay, and whether they answer."""
        labels = f"serving.kserve.io/inferenceservice={name}"
        found = {}
        for pod in self.cluster.list(POD, self.namespace, labels=labels):
            if not pod["metadata"].get("deletionTimestamp"):
                ready = condition(pod, "Ready")
                found[pod["metadata"]["name"]] = bool(ready and ready.is_true)
        return found

    def _pool(self) -> WarmPool:
        return understood(WarmPool, self.cluster.get(Reference(WARM_POOL, WARM, self.namespace)))

    def _is_gone(self, reference: Reference) -> bool:
        try:
            self.cluster.get(reference)
        except NotInCluster:
            return True
        return False

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
