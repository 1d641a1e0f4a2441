"""Is KServe set up to deploy on Knative, behind Knative's gateway?"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pilotlight_cluster.check import mending, parts
from pilotlight_cluster.check.finding import Finding, Level
from pilotlight_cluster.check.observation import Observation

# Both names mean Knative (kserve/pkg/apis/serving/v1beta1/configmap.go).
KNATIVE_MODES = ("Knative", "Serverless")


def kserve_settings(seen: Observation) -> Iterator[Finding]:
    """What inferenceservice-config says."""
    data = seen.settings(parts.KSERVE_CONFIG)
    if data is None:
        return
    deploy, ingress = section(data, "deploy"), section(data, "ingress")
    if deploy is None or ingress is None:
        broken = "deploy" if deploy is None else "ingress"
        yield Finding(
            "kserve.config",
            Level.ERROR,
            "KServe's configuration",
            f"{parts.KSERVE_CONFIG}: {broken} is not a JSON object",
            "KServe's controller cannot read it and reconciles nothing.",
            (f"{seen.kubectl} edit configmap {parts.KSERVE_CONFIG} -n {seen.kserve_namespace}",),
        )
        return
    yield _mode(seen, deploy)
    yield from _virtual_hosts(seen, ingress)


def section(data: Mapping[str, str], name: str) -> dict[str, Any] | None:
    """One section of inferenceservice-config; ``None`` if it is no JSON object."""
    try:
        section: Any = json.loads(data.get(name, "{}"))
    except ValueError:
        return None
    return section if isinstance(section, dict) else None


def _mode(seen: Observation, deploy: dict[str, Any]) -> Finding:
    mode = deploy.get("defaultDeploymentMode") or "not set"
    title = "KServe's deployment mode"
    if mode in KNATIVE_MODES:
        return Finding("kserve.deployment-mode", Level.OK, title, mode)
    return Finding(
        "kserve.deployment-mode",
        Level.WARNING,
        title,
        str(mode),
        "Only models in Knative mode sleep at zero, keep warm pools and take canaries. Without "
        "this default each needs the annotation serving.kserve.io/deploymentMode: Knative.",
        (_change(seen, "deploy", deploy | {"defaultDeploymentMode": "Knative"}),),
    )


def _virtual_hosts(seen: Observation, ingress: dict[str, Any]) -> Iterator[Finding]:
    network = seen.settings("config-network")
    if network is None:
        return
    gateway = parts.gateway_of(network)
    istio = not isinstance(gateway, str) and gateway.ingress_class == parts.DEFAULT_INGRESS_CLASS
    disabled = ingress.get("disableIstioVirtualHost") is True
    title = "KServe's addresses"
    if istio or disabled:
        said = "Istio's virtual hosts" if not disabled else "Knative's own"
        yield Finding("kserve.virtual-host", Level.OK, title, said)
        return
    yield Finding(
        "kserve.virtual-host",
        Level.ERROR,
        title,
        "disableIstioVirtualHost: false, and Knative's gateway is not Istio",
        "KServe reports an address that only an Istio virtual host would answer: requests to an "
        "InferenceService's URL get a 404.",
        (_change(seen, "ingress", ingress | {"disableIstioVirtualHost": True}),),
    )


def _change(seen: Observation, section: str, content: dict[str, Any]) -> str:
    data = {section: json.dumps(content)}
    return mending.settings(seen.kubectl, parts.KSERVE_CONFIG, seen.kserve_namespace, data)
