"""``pilotlight cluster check`` on the real objects of Knative, KServe and Kourier."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pilotlight.kube.access import ApiServer, connect
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Kind, Reference
from pilotlight.kube.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    MUTATING_WEBHOOK,
    NAMESPACE,
    SERVICE,
)
from pilotlight_cluster.binaries import KUBERNETES, Binaries
from pilotlight_cluster.check.command import check
from pilotlight_cluster.check.finding import Finding, Level
from pilotlight_cluster.check.judgement import judge
from pilotlight_cluster.check.mending import kubectl as kubectl_for
from pilotlight_cluster.check.observer import observe
from pilotlight_cluster.controlplane import ControlPlane
from tests.controlplane.installation import install, say_ready
from tests.controlplane.process import await_

pytestmark = pytest.mark.controlplane

SERVING = "knative-serving"
MODELS = "check-models"
AUTHORIZED_S = 10.0
"""Until the API server's authorizer has heard of new rules."""


@dataclass(frozen=True)
class Bench:
    """A cluster with everything on it, and the shell of the person who checks it."""

    cluster: ApiServer
    plane: ControlPlane
    path: str

    def check(self, namespace: str = MODELS, user: str | None = None) -> dict[str, Finding]:
        words = kubectl_for(self.plane.kubeconfig)
        if user is None:
            seen = observe(self.cluster, namespace, kubectl=words)
        else:
            with connect(self.plane.kubeconfig, impersonate=user) as subject:
                seen = observe(self.cluster, namespace, subject=subject, kubectl=words)
        return {finding.id: finding for finding in judge(seen)}

    def mend(self, finding: Finding) -> None:
        """Copy the commands into a shell, but for those that download something."""
        for command in finding.mend:
            if "https://" not in command:
                ended = subprocess.run(
                    ["bash", "-c", command],
                    env={**os.environ, "PATH": self.path},
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=False,
                )
                assert ended.returncode == 0, f"{command}\n{ended.stderr}"


@pytest.fixture(scope="module")
def stock(control_plane: ControlPlane, binaries: Binaries, crds: None) -> Iterator[Bench]:
    """As the releases install it."""
    programs = (binaries.program(KUBERNETES, "kubectl").parent, Path(sys.executable).parent)
    path = ":".join([*map(str, programs), os.environ["PATH"]])
    with connect(control_plane.kubeconfig) as cluster:
        install(cluster, binaries)
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": MODELS}})
        yield Bench(cluster, control_plane, path)
        cluster.delete(Reference(NAMESPACE, MODELS))


@pytest.fixture(scope="module")
def bench(stock: Bench) -> Bench:
    """As somebody leaves it who follows the check: it may take a few rounds."""
    for _ in range(4):
        wrong = [finding for finding in stock.check().values() if finding.level is not Level.OK]
        for finding in wrong:
            stock.mend(finding)
    return stock


def test_following_the_check_leads_to_a_cluster_without_warnings(bench: Bench) -> None:
    found = bench.check()
    wrong = (Level.WARNING, Level.ERROR)
    assert {id_: f.seen for id_, f in found.items() if f.level in wrong} == {}
    assert found["pilotlight.crds"].level is Level.OK


def change(
    name: str, data: Mapping[str, str | None], home: str = SERVING
) -> Callable[[Cluster], None]:
    def apply(cluster: Cluster) -> None:
        cluster.patch(Reference(CONFIG_MAP, name, home), {"data": data})

    return apply


def without(kind: Kind, name: str, home: str | None = None) -> Callable[[Cluster], None]:
    return lambda cluster: assert_deleted(cluster, Reference(kind, name, home))


def assert_deleted(cluster: Cluster, reference: Reference) -> None:
    assert cluster.delete(reference)


def kserve(section: str, **content: object) -> Callable[[Cluster], None]:
    return change("inferenceservice-config", {section: json.dumps(content)}, "kserve")


FEATURES, OBSERVABILITY, DEPLOYMENT_CONFIG = (
    "config-features",
    "config-observability",
    "config-deployment",
)
CASES: list[tuple[str, Level, str, Callable[[Cluster], None]]] = [
    (
        "knative.features.shared-memory",
        Level.ERROR,
        "podspec-volumes-emptydir",
        change(FEATURES, {"kubernetes.podspec-volumes-emptydir": "Disabled"}),
    ),
    (
        "knative.features.claims",
        Level.WARNING,
        "podspec-persistent-volume-claim",
        change(FEATURES, {"kubernetes.podspec-persistent-volume-claim": "allowed"}),
    ),
    (
        "knative.features.scheduling",
        Level.WARNING,
        "disabled: podspec-tolerations",
        change(FEATURES, {"kubernetes.podspec-tolerations": None}),
    ),
    (
        "knative.features.user",
        Level.WARNING,
        "podspec-securitycontext",
        change(FEATURES, {"kubernetes.podspec-securitycontext": "disabled"}),
    ),
    (
        "knative.pod-is-always-schedulable",
        Level.WARNING,
        "false",
        change(DEPLOYMENT_CONFIG, {"pod-is-always-schedulable": None}),
    ),
    (
        "knative.progress-deadline",
        Level.WARNING,
        "1m30s",
        change(DEPLOYMENT_CONFIG, {"progress-deadline": "1m30s"}),
    ),
    (
        "knative.registries-skipping-tag-resolving",
        Level.INFO,
        "ko.local",
        change(DEPLOYMENT_CONFIG, {"registries-skipping-tag-resolving": "ko.local"}),
    ),
    (
        "knative.metrics",
        Level.ERROR,
        "metrics-protocol: none",
        change(OBSERVABILITY, {"metrics-protocol": None}),
    ),
    (
        "knative.request-metrics",
        Level.WARNING,
        "grpc",
        change(OBSERVABILITY, {"request-metrics-protocol": "grpc"}),
    ),
    (
        "knative.scale-to-zero",
        Level.WARNING,
        "false",
        change("config-autoscaler", {"enable-scale-to-zero": "false"}),
    ),
    (
        "knative.request-timeout",
        Level.WARNING,
        "at most 120 s",
        change(
            "config-defaults",
            {"max-revision-timeout-seconds": "120", "revision-timeout-seconds": "60"},
        ),
    ),
    (
        "knative.activator-grace",
        Level.WARNING,
        "600 s, and requests may take 1800 s",
        change("config-defaults", {"max-revision-timeout-seconds": "1800"}),
    ),
    (
        "knative.domain",
        Level.WARNING,
        "svc.cluster.local",
        change("config-domain", {"127.0.0.1.sslip.io": None}),
    ),
    (
        "gateway.ready",
        Level.ERROR,
        "net-istio-controller is missing",
        change("config-network", {"ingress-class": None}),
    ),
    (
        "kserve.deployment-mode",
        Level.WARNING,
        "Standard",
        kserve("deploy", defaultDeploymentMode="Standard"),
    ),
    (
        "kserve.virtual-host",
        Level.ERROR,
        "not Istio",
        kserve("ingress", disableIstioVirtualHost=False, ingressDomain="example.com"),
    ),
    (
        "namespace",
        Level.ERROR,
        "control-plane",
        lambda cluster: _labelled(cluster, {"control-plane": "x"}),
    ),
    (
        "knative.ready",
        Level.ERROR,
        "knative-serving/autoscaler is scaled to 0",
        lambda cluster: _scaled(cluster, "autoscaler", 0),
    ),
]


def _labelled(cluster: Cluster, labels: Mapping[str, str | None]) -> None:
    cluster.patch(Reference(NAMESPACE, MODELS), {"metadata": {"labels": labels}})


def _scaled(cluster: Cluster, name: str, replicas: int) -> None:
    cluster.patch(Reference(DEPLOYMENT, name, SERVING), {"spec": {"replicas": replicas}})


@pytest.mark.parametrize(("id_", "level", "seen", "break_"), CASES, ids=[case[0] for case in CASES])
def test_what_is_broken_is_found_and_its_command_mends_it(
    bench: Bench, id_: str, level: Level, seen: str, break_: Callable[[Cluster], None]
) -> None:
    before = bench.check()
    assert id_ not in before or before[id_].level is Level.OK
    break_(bench.cluster)
    found = bench.check()[id_]
    assert found.level is level
    assert seen in found.seen
    assert found.why
    bench.mend(found)
    after = bench.check()
    assert id_ not in after or after[id_].level is Level.OK


def test_a_deployment_without_a_ready_pod_is_found(bench: Bench) -> None:
    reference = Reference(DEPLOYMENT, "activator", SERVING)
    activator = bench.cluster.get(reference)
    say_ready(bench.cluster, activator, pods=0)
    found = bench.check()["knative.ready"]
    say_ready(bench.cluster, activator)
    assert (found.level, found.seen) == (
        Level.ERROR,
        "knative-serving/activator has no ready pod",
    )
    assert "logs deployment/activator" in found.mend[1]


def test_webhooks_that_nobody_can_verify_are_found(bench: Bench) -> None:
    reference = Reference(MUTATING_WEBHOOK, "inferenceservice.serving.kserve.io")
    whole = bench.cluster.get(reference)["webhooks"]
    bare = [
        {**webhook, "clientConfig": {**webhook["clientConfig"], "caBundle": None}}
        for webhook in whole
    ]
    bench.cluster.patch(reference, {"webhooks": bare})
    found = bench.check()["kserve.webhooks"]
    bench.cluster.patch(reference, {"webhooks": whole})
    assert found.level is Level.ERROR
    assert "inferenceservice.kserve-webhook-server.defaulter has no CA bundle" in found.seen


def test_an_unknown_gateway_is_named_and_not_blamed(bench: Bench) -> None:
    own = {"ingress-class": "own.example.com"}
    change("config-network", own)(bench.cluster)
    found = bench.check()["knative.ingress-class"]
    change("config-network", {"ingress-class": "kourier.ingress.networking.knative.dev"})(
        bench.cluster
    )
    assert (found.level, found.seen) == (Level.INFO, "ingress class own.example.com")


def test_a_gateway_without_its_service_is_found(bench: Bench) -> None:
    reference = Reference(SERVICE, "kourier", "kourier-system")
    service = bench.cluster.get(reference)
    assert bench.cluster.delete(reference)
    found = bench.check()["gateway.service"]
    ports = [{"name": port["name"], "port": port["port"]} for port in service["spec"]["ports"]]
    bench.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "kourier", "namespace": "kourier-system"},
            "spec": {"ports": ports},
        }
    )
    assert found.level is Level.ERROR
    assert bench.check()["gateway.service"].level is Level.OK


def test_a_configuration_that_kserve_cannot_read_is_found(bench: Bench) -> None:
    reference = Reference(CONFIG_MAP, "inferenceservice-config", "kserve")
    deploy = bench.cluster.get(reference)["data"]["deploy"]
    bench.cluster.patch(reference, {"data": {"deploy": "{"}})
    found = bench.check()["kserve.config"]
    bench.cluster.patch(reference, {"data": {"deploy": deploy}})
    assert found.level is Level.ERROR
    assert "deploy" in found.seen


def test_a_namespace_that_is_missing_is_made_by_its_command(bench: Bench) -> None:
    found = bench.check("check-missing")["namespace"]
    assert found.level is Level.ERROR
    bench.mend(found)
    assert bench.check("check-missing")["namespace"].level is Level.OK
    bench.cluster.delete(Reference(NAMESPACE, "check-missing"))


@pytest.mark.parametrize("user", ["jane", f"system:serviceaccount:{MODELS}:pilotlight"])
def test_a_user_is_granted_what_is_missing_and_nothing_else(bench: Bench, user: str) -> None:
    before = bench.check(user=user)
    deploy = before["permissions.deploy"]
    assert deploy.level is Level.ERROR
    assert f"{user} may not, in namespace {MODELS}: inferenceservices: get, list" in deploy.seen
    assert before["permissions.rollouts"].level is Level.WARNING
    try:
        bench.mend(deploy)
        await_(
            lambda: bench.check(user=user)["permissions.deploy"].level is Level.OK,
            AUTHORIZED_S,
            lambda: f"{user} may not deploy",
        )
        after = bench.check(user=user)
    finally:
        rbac = "rbac.authorization.k8s.io/v1"
        for kind in ("RoleBinding", "Role"):
            bench.cluster.delete(Reference(Kind(rbac, kind), "pilotlight-deploy", MODELS))
    assert after["permissions.deploy"].level is Level.OK
    assert after["permissions.warm-pools"].level is Level.WARNING


def test_what_may_not_be_read_is_a_finding_until_it_is_permitted(bench: Bench) -> None:
    words = kubectl_for(bench.plane.kubeconfig)
    with connect(bench.plane.kubeconfig, impersonate="joe") as joe:

        def seen() -> dict[str, Finding]:
            return {f.id: f for f in judge(observe(joe, MODELS, kubectl=words))}

        before = seen()
        found = before["permissions.check"]
        assert found.level is Level.WARNING
        assert "config map config-features" in found.seen
        assert "knative.features.claims" not in before
        try:
            bench.mend(found)
            await_(
                lambda: "permissions.check" not in seen(),
                AUTHORIZED_S,
                lambda: "joe may not read what is checked",
            )
            after = seen()
        finally:
            rbac = "rbac.authorization.k8s.io/v1"
            for kind in ("ClusterRoleBinding", "ClusterRole"):
                bench.cluster.delete(Reference(Kind(rbac, kind), "pilotlight-check"))
    assert "permissions.check" not in after
    assert after["knative.features.claims"].level is Level.OK


def test_the_command_answers_with_its_exit_code(bench: Bench) -> None:
    app = typer.Typer()
    app.command()(check)
    arguments = ["--kubeconfig", str(bench.plane.kubeconfig), "--namespace", MODELS]
    good = CliRunner().invoke(app, [*arguments, "--json"])
    assert good.exit_code == 0, good.output
    assert json.loads(good.output)["result"] in ("ok", "info")
    bad = CliRunner().invoke(app, [*arguments, "--as", "jane"])
    assert bad.exit_code == 1
    assert "✗ May deploy models" in bad.output
    assert "create rolebinding pilotlight-deploy" in bad.output
