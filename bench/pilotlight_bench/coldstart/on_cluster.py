"""Time from a request at zero pods to its first token, through the gateway of a cluster."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from pilotlight import start_phases
from pilotlight.errors import ClusterError, OperationError
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Reference, reference_to
from pilotlight.kube.kinds import POD
from pilotlight.kube.waiting import has_condition, wait
from pilotlight_bench.cluster.access import Access
from pilotlight_bench.cluster.timeline import PodWatch
from pilotlight_bench.coldstart.benchmark import OURS, PLAIN, require_one_answer
from pilotlight_bench.coldstart.first_token import FirstToken, ask
from pilotlight_bench.coldstart.services import inference_service, service_name
from pilotlight_bench.coldstart.settings import ClusterInputs
from pilotlight_bench.progress import say

# The window, half a minute of queue-proxy's preStop, and the end of the server.
_ZERO_S = 240.0


@dataclass(frozen=True, slots=True)
class ClusterStart:
    """One start from zero.

    Args:
        peer: What was started.
        seconds: From the request to its first token.
        text: The answer.
        steps: Seconds by step of the pod, as seen from outside; their sum is ``seconds``.
        phases: Seconds by phase of the server, as it tells itself; empty when it does not.
    """

    peer: str
    seconds: float
    text: str
    steps: dict[str, float]
    phases: dict[str, float]


def run(inputs: ClusterInputs, access: Access) -> list[ClusterStart]:
    """The counted starts, in the order in which they happened; takes some 20 minutes.

    Raises:
        OperationError: A request was not answered, or two starts gave different answers.
    """
    with access.connect() as cluster, _deployed(inputs, cluster) as hosts:
        starts = []
        for index in range(inputs.runs):
            order = (PLAIN, OURS) if index % 2 == 0 else (OURS, PLAIN)
            for peer in order:
                starts.append(_start(inputs, access, peer, hosts[peer]))
                _wait_for_zero(cluster, inputs, peer)
    require_one_answer(starts)
    return starts


@contextmanager
def _deployed(inputs: ClusterInputs, cluster: Cluster) -> Iterator[dict[str, str]]:
    """Both services at zero, after each has started once; their hosts by peer."""
    documents = {peer: inference_service(peer, inputs) for peer in (OURS, PLAIN)}
    references = {peer: reference_to(document) for peer, document in documents.items()}
    try:
        hosts = {}
        for peer, document in documents.items():
            # Otherwise an earlier run's revision and ours would start at the same time.
            _remove(cluster, references[peer])
            cluster.apply(document)
            say(f"{peer}: waiting until it is ready once")
            hosts[peer] = _host(cluster, references[peer], inputs.start_timeout_s)
            _wait_for_zero(cluster, inputs, peer)
        yield hosts
    finally:
        for reference in references.values():
            cluster.delete(reference)


def _remove(cluster: Cluster, reference: Reference) -> None:
    deadline = time.monotonic() + _ZERO_S
    while cluster.delete(reference) or _pods(cluster, reference.namespace, reference.name):
        if time.monotonic() > deadline:
            raise ClusterError(f"{reference} of an earlier run does not go away")
        time.sleep(1)


def _host(cluster: Cluster, reference: Reference, timeout_s: float) -> str:
    ready = wait(cluster, reference, has_condition("Ready"), timeout_s=timeout_s)
    return urlsplit(str(ready["status"]["url"])).netloc


def _wait_for_zero(cluster: Cluster, inputs: ClusterInputs, peer: str) -> None:
    """Wait until no pod is left, not even a stopping one: it would compete for the processor."""
    deadline = time.monotonic() + _ZERO_S
    while _pods(cluster, inputs.namespace, service_name(peer)):
        if time.monotonic() > deadline:
            raise ClusterError(f"{service_name(peer)} is not at zero pods after {_ZERO_S:g} s")
        time.sleep(0.5)


def _pods(cluster: Cluster, namespace: str | None, service: str) -> int:
    labels = f"serving.kserve.io/inferenceservice={service}"
    return len(cluster.list(POD, namespace, labels=labels))


def _start(inputs: ClusterInputs, access: Access, peer: str, host: str) -> ClusterStart:
    with (
        access.connect() as own,
        PodWatch(own, inputs.namespace, service_name(peer)) as watch,
        httpx.Client(
            base_url=access.gateway, headers={"Host": host}, timeout=inputs.start_timeout_s
        ) as client,
    ):
        first = ask(client, inputs)
        watch.wait_ready()
        phases = start_phases.parse(client.get("/metrics").text)
    start = ClusterStart(peer, first.seconds, first.text, _steps(watch, first), phases)
    say(f"{peer}: {start.seconds:.2f} s to the first token")
    return start


def _steps(watch: PodWatch, first: FirstToken) -> dict[str, float]:
    if not watch.timelines:
        raise OperationError("the request was answered without a new pod: not a cold start")
    return watch.first.breakdown(first.asked, first.asked + first.seconds)
