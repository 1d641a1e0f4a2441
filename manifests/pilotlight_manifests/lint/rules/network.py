"""Network policies around Knative's pods."""

from collections.abc import Iterable, Iterator, Sequence

from pilotlight_manifests.lint.document import Document
from pilotlight_manifests.lint.field import Field
from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.rules.rule import Context
from pilotlight_manifests.lint.selector import pod_labels, selects
from pilotlight_manifests.lint.workload import Workload

KIND = ("networking.k8s.io/v1", "NetworkPolicy")
SYSTEM = {
    "kubernetes.io/metadata.name": "knative-serving",
    "app.kubernetes.io/name": "knative-serving",
}
PORTS = {
    8012: ("queue-port", "http requests from the activator"),
    9090: ("http-autometric", "the concurrency that the autoscaler reads"),
}
"""Of queue-proxy, with their names: knative.dev/serving ``pkg/networking/constants.go`` and
``pkg/apis/serving/v1/revision_helpers.go``."""


class NetworkPolicyShutsOutKnative:
    """A policy that lets neither activator nor autoscaler reach the pods.

    From zero every request comes from the activator, in the namespace ``knative-serving``, to
    port 8012 of queue-proxy; the autoscaler reads the concurrency at 9090
    (``pkg/autoscaler/metrics/stats_scraper.go``). Policies add up, so all that select the same pods
    are read together; a peer that cannot be told apart (an ipBlock, labels of one's own) is taken
    to let them in.
    """

    id = "network-policy-shuts-out-knative"

    def check(self, document: Document, context: Context, report: Report) -> Iterable[Finding]:
        if (document.api, document.kind) != KIND or not _restricts(document):
            return
        for workload in context.workloads:
            if workload.component == "runtime" or not workload.mode.knative:
                continue
            if not _covers(document, workload):
                continue
            others = [d for d in context.documents if _restricts(d) and _covers(d, workload)]
            closed = [port for port in PORTS if not _open(others, port)]
            if closed and others[0] is document:
                yield self._finding(document, workload, closed, report)

    def _finding(
        self, document: Document, workload: Workload, closed: Sequence[int], report: Report
    ) -> Finding:
        ports = " and ".join(f"{port} ({PORTS[port][1]})" for port in closed)
        place = document.spec.at("ingress")
        return report.error(
            place if place.given else document.spec,
            f"{workload.document.title}: its pods cannot be reached from knative-serving at "
            f"{ports}.{workload.mode.caveat}",
            "add an ingress rule from the namespace with the label kubernetes.io/metadata.name: "
            f"knative-serving to ports {', '.join(map(str, PORTS))}, 8013 (HTTP/2) and "
            "8112 (TLS within the system)",
        )


def _restricts(document: Document) -> bool:
    """Whether it closes ingress: by its types, or by default."""
    if (document.api, document.kind) != KIND:
        return False
    types = [t.text for t in document.spec.at("policyTypes").items]
    return "Ingress" in types or not types


def _covers(document: Document, workload: Workload) -> bool:
    labels = pod_labels(workload)
    return document.near(workload.document) and selects(document.spec.at("podSelector"), labels)


def _open(policies: Sequence[Document], port: int) -> bool:
    return any(
        _port_open(rule, port) and _peers_open(rule)
        for policy in policies
        for rule in policy.spec.at("ingress").items
    )


def _port_open(rule: Field, port: int) -> bool:
    entries = rule.at("ports").items
    return not entries or any(port in _numbers(entry, port) for entry in entries)


def _numbers(entry: Field, port: int) -> Iterator[int]:
    if (entry.at("protocol").text or "TCP") != "TCP":
        return
    first, last = entry.at("port"), entry.at("endPort").integer
    number = first.integer
    # An entry without a port is all ports; one by name is queue-proxy's own name.
    named = not first.given or first.text == PORTS[port][0]
    if named or (number is not None and number <= port <= (last or number)):
        yield port


def _peers_open(rule: Field) -> bool:
    peers = rule.at("from").items
    return not peers or any(_lets_in(peer) for peer in peers)


def _lets_in(peer: Field) -> bool:
    namespaces = peer.at("namespaceSelector")
    if peer.at("ipBlock").given:
        return True
    if not namespaces.given:
        return False
    if selects(namespaces, SYSTEM):
        return True
    keys = set(namespaces.at("matchLabels").fields)
    keys |= {e.at("key").text or "" for e in namespaces.at("matchExpressions").items}
    return not keys <= set(SYSTEM)
