"""The commands that mend what the check finds, ready to copy."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

KNATIVE_RELEASE = "https://github.com/knative/serving/releases/download/knative-v1.21.1"
KOURIER_RELEASE = (
    "https://github.com/knative-extensions/net-kourier/releases/download/knative-v1.21.0"
)
KSERVE_RELEASE = "https://github.com/kserve/kserve/releases/download/v0.20.0"
CERT_MANAGER_RELEASE = (
    "https://github.com/cert-manager/cert-manager/releases/download/v1.17.0/cert-manager.yaml"
)
PROMETHEUS_RELEASE = (
    "https://github.com/prometheus-operator/prometheus-operator/releases/latest/download"
)


def kubectl(kubeconfig: Path | None = None, context: str | None = None) -> str:
    """How to start kubectl for the cluster that was named on our own command line."""
    words = ["kubectl"]
    if kubeconfig is not None:
        words += ["--kubeconfig", str(kubeconfig)]
    if context is not None:
        words += ["--context", context]
    return shlex.join(words)


def merge(kubectl: str, what: str, name: str, namespace: str, change: Mapping[str, object]) -> str:
    """A merge patch of one object."""
    patch = shlex.quote(json.dumps(change, separators=(",", ":")))
    return f"{kubectl} patch {what} {name} -n {namespace} --type merge -p {patch}"


def settings(kubectl: str, name: str, namespace: str, data: Mapping[str, str]) -> str:
    """A change of a config map's data."""
    return merge(kubectl, "configmap", name, namespace, {"data": dict(data)})


def restart(kubectl: str, name: str, namespace: str) -> str:
    """A restart of a deployment's pods."""
    return f"{kubectl} rollout restart deployment {name} -n {namespace}"


def look_into(kubectl: str, name: str, namespace: str) -> tuple[str, str]:
    """What to read when a deployment does not become ready."""
    return (
        f"{kubectl} describe deployment {name} -n {namespace}",
        f"{kubectl} logs deployment/{name} -n {namespace} --all-containers --tail=50",
    )


def install_knative(kubectl: str) -> tuple[str, ...]:
    """Knative Serving with Kourier, from their releases."""
    return (
        f"{kubectl} apply --server-side -f {KNATIVE_RELEASE}/serving-crds.yaml",
        f"{kubectl} apply --server-side -f {KNATIVE_RELEASE}/serving-core.yaml",
        install_kourier(kubectl),
    )


def install_kourier(kubectl: str) -> str:
    """The smallest of Knative's gateways."""
    return f"{kubectl} apply --server-side -f {KOURIER_RELEASE}/kourier.yaml"


def install_kserve(kubectl: str) -> tuple[str, ...]:
    """KServe and cert-manager, which gives its webhooks their certificates."""
    return (
        f"{kubectl} apply --server-side -f {CERT_MANAGER_RELEASE}",
        f"{kubectl} wait deployment --all -n cert-manager --for condition=Available",
        f"{kubectl} apply --server-side -f {KSERVE_RELEASE}/kserve.yaml",
        f"{kubectl} wait deployment --all -n kserve --for condition=Available --timeout 5m",
        f"{kubectl} apply --server-side -f {KSERVE_RELEASE}/kserve-cluster-resources.yaml",
    )


def install_prometheus(kubectl: str) -> str:
    """The Prometheus operator and its kinds."""
    return f"{kubectl} apply --server-side -f {PROMETHEUS_RELEASE}/bundle.yaml"


def grant(
    kubectl: str, name: str, user: str, namespace: str, rules: Iterable[tuple[str, str, str]]
) -> tuple[str, ...]:
    """A Role with these rules (group, resource, verbs) for one user; for an administrator."""
    document = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name, "namespace": namespace},
        "rules": [
            {"apiGroups": [group], "resources": [resource], "verbs": verbs.split()}
            for group, resource, verbs in rules
        ],
    }
    role = shlex.quote(json.dumps(document, separators=(",", ":")))
    return (
        f"echo {role} | {kubectl} apply -f -",
        f"{kubectl} create rolebinding {name} -n {namespace} --role={name} {_subject(user)}",
    )


def grant_reading(kubectl: str, user: str, resources: Sequence[str]) -> tuple[str, ...]:
    """Read access to these resources in the whole cluster; for an administrator."""
    name = "pilotlight-check"
    listed = ",".join(resources)
    return (
        f"{kubectl} create clusterrole {name} --verb=get --resource={listed}",
        f"{kubectl} create clusterrolebinding {name} --clusterrole={name} {_subject(user)}",
    )


def _subject(user: str) -> str:
    prefix = "system:serviceaccount:"
    if user.startswith(prefix):
        return f"--serviceaccount={user.removeprefix(prefix)}"
    return f"--user={shlex.quote(user or 'USER')}"
