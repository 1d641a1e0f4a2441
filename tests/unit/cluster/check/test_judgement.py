"""What the check says of observations that no test cluster is made to have.

Faults that can be made on a real API server are in tests/controlplane/test_cluster_check.py.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight_cluster.check import parts
from pilotlight_cluster.check.finding import Finding, Level
from pilotlight_cluster.check.judgement import judge
from pilotlight_cluster.check.observation import Look, Observation, Workload
from tests.unit.cluster.check.healthy import HEALTHY, ready

CONTROLLER = "knative-serving/controller"
KSERVE = "kserve/kserve-controller-manager"


def findings(seen: Observation) -> dict[str, Finding]:
    found = judge(seen)
    by_id = {finding.id: finding for finding in found}
    assert len(by_id) == len(found), "an id is there twice"
    return by_id


def with_workload(name: str, look: Look[Workload]) -> Observation:
    return replace(HEALTHY, workloads={**HEALTHY.workloads, name: look})


def with_config(name: str, data: dict[str, str]) -> Observation:
    return replace(HEALTHY, config={**HEALTHY.config, name: Look(data)})


def test_a_cluster_with_everything_is_all_well() -> None:
    assert {finding.level for finding in judge(HEALTHY)} == {Level.OK}
    assert not any(finding.why or finding.mend for finding in judge(HEALTHY))


@pytest.mark.parametrize("version", ["v1.33.0", "v1.34.1-gke.100", "v1.35+", "v2.0.0"])
def test_kubernetes_may_be_newer(version: str) -> None:
    found = findings(replace(HEALTHY, kubernetes=version))["kubernetes.version"]
    assert found.level is Level.OK


@pytest.mark.parametrize("version", ["v1.32.9", "v1.9.0", "", "devel"])
def test_kubernetes_may_not_be_older_than_knative_supports(version: str) -> None:
    found = findings(replace(HEALTHY, kubernetes=version))["kubernetes.version"]
    assert found.level is Level.ERROR
    assert "1.33" in found.why


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ("1.21.1", Level.OK),
        ("v1.22.0", Level.OK),
        ("1.20.3", Level.ERROR),
        ("1.9.0", Level.ERROR),
        ("devel", Level.INFO),
    ],
)
def test_knative_must_know_a_minimum_that_can_change(version: str, level: Level) -> None:
    found = findings(with_workload(CONTROLLER, ready(version)))["knative.version"]
    assert (found.level, version in found.seen) == (level, True)


def test_knatives_version_is_also_read_from_its_namespace() -> None:
    seen = replace(
        with_workload(CONTROLLER, ready("")),
        namespaces={"knative-serving": Look({"app.kubernetes.io/version": "1.18.0"})},
    )
    assert findings(seen)["knative.version"].level is Level.ERROR


@pytest.mark.parametrize(
    ("image", "level", "seen"),
    [
        ("kserve/kserve-controller:v0.20.0", Level.OK, "v0.20.0"),
        ("registry.example:5000/kserve/kserve-controller:v0.21.0", Level.OK, "v0.21.0"),
        ("kserve/kserve-controller:v0.15.2", Level.WARNING, "v0.15.2"),
        ("kserve/kserve-controller:v0.20.0@sha256:ab", Level.OK, "v0.20.0"),
        ("kserve/kserve-controller@sha256:ab", Level.INFO, "version unknown"),
        ("dev.local/kserve-controller:dev", Level.INFO, "version dev"),
        ("quay.io/brancz/kube-rbac-proxy:v0.18.0", Level.INFO, "version unknown"),
    ],
)
def test_kserves_version_is_its_controllers_tag(image: str, level: Level, seen: str) -> None:
    found = findings(with_workload(KSERVE, ready("", image)))["kserve.version"]
    assert found.level is level
    assert seen in found.seen


def test_kserves_version_is_also_read_from_its_storage_initializer() -> None:
    settings = dict(HEALTHY.config[parts.KSERVE_CONFIG].value or {})
    settings["storageInitializer"] = '{"image": "kserve/storage-initializer:v0.19.0"}'
    seen = replace(
        with_workload(KSERVE, ready("", "dev.local/manager:dev")),
        config={**HEALTHY.config, parts.KSERVE_CONFIG: Look(settings)},
    )
    found = findings(seen)["kserve.version"]
    assert (found.level, found.seen) == (Level.WARNING, "v0.19.0")


@pytest.mark.parametrize(
    ("kinds", "id_", "prefix"),
    [
        (parts.KNATIVE_KINDS, "knative.installed", "knative."),
        (parts.KSERVE_KINDS, "kserve.installed", "kserve."),
    ],
)
def test_what_is_not_installed_is_one_finding_and_not_twenty(
    kinds: tuple[object, ...], id_: str, prefix: str
) -> None:
    found = findings(replace(HEALTHY, kinds=HEALTHY.kinds - set(kinds)))
    assert found[id_].level is Level.ERROR
    assert found[id_].seen == "not installed"
    assert any("https://github.com/" in command for command in found[id_].mend)
    assert [name for name in found if name.startswith(prefix)] == [id_]


def test_half_an_installation_says_what_is_missing() -> None:
    kind = parts.KNATIVE_KINDS[-1]
    found = findings(replace(HEALTHY, kinds=HEALTHY.kinds - {kind}))["knative.installed"]
    assert found.seen == "without Ingress.networking.internal.knative.dev"


@pytest.mark.parametrize(
    ("kinds", "id_"),
    [(parts.PILOTLIGHT_KINDS, "pilotlight.crds"), (parts.PROMETHEUS_KINDS, "prometheus.crds")],
)
def test_kinds_that_serving_does_without_are_no_error(kinds: tuple[object, ...], id_: str) -> None:
    found = findings(replace(HEALTHY, kinds=HEALTHY.kinds - set(kinds)))
    assert found[id_].level is Level.INFO
    assert {f.level for name, f in found.items() if name != id_} == {Level.OK}


def test_kourier_may_live_in_knatives_own_namespace() -> None:
    workloads = dict(HEALTHY.workloads)
    there = workloads.pop("kourier-system/3scale-kourier-gateway")
    seen = replace(
        HEALTHY,
        workloads=workloads
        | {
            "kourier-system/3scale-kourier-gateway": Look(),
            "knative-serving/3scale-kourier-gateway": there,
        },
        services={"kourier-system/kourier": Look(), "knative-serving/kourier": Look(True)},
    )
    found = findings(seen)
    assert found["gateway.ready"].level is found["gateway.service"].level is Level.OK
    assert found["gateway.service"].seen == "knative-serving/kourier"


def test_istio_wants_its_virtual_hosts_and_no_other_gateway_does() -> None:
    ingress = {"deploy": '{"defaultDeploymentMode": "Knative"}', "ingress": "{}"}
    kourier = findings(with_config(parts.KSERVE_CONFIG, ingress))["kserve.virtual-host"]
    assert kourier.level is Level.ERROR
    istio = replace(
        with_config(parts.KSERVE_CONFIG, ingress),
        config={
            **HEALTHY.config,
            parts.KSERVE_CONFIG: Look(ingress),
            "config-network": Look({}),
        },
        workloads={
            **HEALTHY.workloads,
            "knative-serving/net-istio-controller": ready(),
            "istio-system/istio-ingressgateway": ready(),
            "istio-ingress/istio-ingress": Look(),
        },
        services={
            "istio-system/istio-ingressgateway": Look(True),
            "istio-ingress/istio-ingress": Look(),
        },
    )
    assert findings(istio)["kserve.virtual-host"].level is Level.OK


@pytest.mark.parametrize("text", ["[]", "3", "{", "null"])
def test_a_section_that_is_no_object_is_named(text: str) -> None:
    found = findings(with_config(parts.KSERVE_CONFIG, {"deploy": "{}", "ingress": text}))
    assert found["kserve.config"].level is Level.ERROR
    assert "ingress" in found["kserve.config"].seen


def test_nothing_is_said_of_what_could_not_be_read_but_that() -> None:
    denied = Look[Mapping[str, str]](denied="not you")
    seen = replace(HEALTHY, config=dict.fromkeys(HEALTHY.config, denied))
    found = findings(seen)
    assert found["permissions.check"].level is Level.WARNING
    for name in HEALTHY.config:
        assert f"config map {name}" in found["permissions.check"].seen
    assert not any(name.startswith(("knative.features", "kserve.deploy")) for name in found)


@settings(deadline=None)
@given(
    config=st.dictionaries(
        st.sampled_from(sorted(HEALTHY.config)),
        st.builds(
            Look,
            st.none()
            | st.dictionaries(
                st.sampled_from(
                    [
                        "pod-is-always-schedulable",
                        "progress-deadline",
                        "metrics-protocol",
                        "max-revision-timeout-seconds",
                        "kubernetes.podspec-affinity",
                        "ingress-class",
                        "registries-skipping-tag-resolving",
                        "deploy",
                        "ingress",
                        "it's.example",
                    ]
                ),
                st.text(max_size=12) | st.sampled_from(["true", "'", '{"a": "\'"}', "1m", "0"]),
            ),
        ),
    )
)
def test_every_problem_is_explained_and_its_commands_are_shell(
    config: dict[str, Look[Mapping[str, str]]],
) -> None:
    known = frozenset(parts.KINDS)
    network = config.get("config-network", HEALTHY.config["config-network"]).value or {}
    workloads, services = dict(HEALTHY.workloads), dict(HEALTHY.services)
    gateway = parts.gateway_of(network)
    if not isinstance(gateway, str):
        for name in (gateway.controller, *gateway.proxies):
            workloads.setdefault(name, Look())
        for name in gateway.services:
            services.setdefault(name, Look())
    seen = replace(
        HEALTHY,
        kinds=known,
        config={**HEALTHY.config, **config},
        workloads=workloads,
        services=services,
    )
    commands: list[str] = []
    for finding in judge(seen):
        assert bool(finding.why) == (finding.level is not Level.OK)
        if finding.level in (Level.WARNING, Level.ERROR):
            assert finding.mend
        commands += finding.mend
    if commands:
        script = "\n".join(commands)
        if "\x00" not in script:
            subprocess.run(["bash", "-n"], input=script, text=True, check=True, timeout=20)
