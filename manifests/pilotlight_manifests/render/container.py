"""The predictor's container, and what its pod needs around it."""

from pilotlight_manifests.render.document import Manifest, without_absent
from pilotlight_manifests.render.names import HTTP_PORT, PORT_NAME, is_knative, pod_labels
from pilotlight_manifests.spec.pod import Probe, Security
from pilotlight_manifests.spec.served_model import ServedModel

READY = "/v2/health/ready"
LIVE = "/v2/health/live"

_READINESS = {"periodSeconds": 1, "failureThreshold": 3}
_LIVENESS = {
    "initialDelaySeconds": 30,
    "periodSeconds": 10,
    "timeoutSeconds": 5,
    "failureThreshold": 3,
}
_STARTUP_PERIOD_S = 10


def ports() -> list[Manifest]:
    return [{"name": PORT_NAME, "containerPort": HTTP_PORT, "protocol": "TCP"}]


def environment(spec: ServedModel) -> list[Manifest]:
    """Plain values, and references to Secrets."""
    env: list[Manifest] = [{"name": name, "value": value} for name, value in spec.pod.env.items()]
    for name, key in (
        ("VLLM_API_KEY", spec.access.api_key_secret),
        ("PILOTLIGHT_ADMIN_TOKEN", spec.access.admin_token_secret),
    ):
        if key is not None:
            reference = {"name": key.name, "key": key.key}
            env.append({"name": name, "valueFrom": {"secretKeyRef": reference}})
    return env


def probes(spec: ServedModel) -> Manifest:
    """Readiness and liveness over HTTP; a startup probe where it is asked for, or where the server
    of several nodes waits for them before it answers anything."""
    result: Manifest = {}
    startup = spec.probes.startup
    if startup is not None or spec.parallelism.nodes > 1:
        attempts = -(-spec.timeouts.start_seconds // _STARTUP_PERIOD_S)
        timing = {"periodSeconds": _STARTUP_PERIOD_S, "failureThreshold": attempts}
        result["startupProbe"] = _probe(LIVE, timing, startup or Probe())
    result["readinessProbe"] = _probe(READY, _READINESS, spec.probes.readiness)
    result["livenessProbe"] = _probe(LIVE, _LIVENESS, spec.probes.liveness)
    return result


def _probe(path: str, defaults: dict[str, int], wanted: Probe) -> Manifest:
    timing = defaults | wanted.model_dump(by_alias=True, exclude_none=True)
    return {"httpGet": {"path": path, "port": HTTP_PORT}, **timing}


def resources(spec: ServedModel) -> Manifest:
    """GPUs stand in the limits; a request for them is always the same."""
    requests, limits = spec.predictor_resources
    gpus = {spec.gpus.resource: str(spec.gpus_per_pod)} if spec.gpus_per_pod else {}
    return {"requests": requests | gpus, "limits": limits | gpus}


def security_context(security: Security) -> Manifest:
    """What the `restricted` Pod Security Standard asks of a container.

    At the container, because Knative refuses the pod's own unless a feature flag allows it.
    """
    return {
        "runAsNonRoot": True,
        "runAsUser": security.run_as_user,
        "runAsGroup": security.run_as_user,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": security.read_only_root,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def volume_mounts() -> list[Manifest]:
    return [
        {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
    ]


def volumes(spec: ServedModel) -> list[Manifest]:
    """Shared memory, because the 64 MB of a plain pod kill vLLM's processes, and /tmp."""
    memory = {"medium": "Memory", "sizeLimit": spec.storage.shared_memory}
    temporary = without_absent({"sizeLimit": spec.storage.temporary})
    return [{"name": "shm", "emptyDir": memory}, {"name": "tmp", "emptyDir": temporary}]


def pod(spec: ServedModel, component: str) -> Manifest:
    """Fields of the pod: who it is, where it runs, how long it may take to stop."""
    place = spec.scheduling
    group = spec.security.fs_group
    return without_absent(
        {
            "automountServiceAccountToken": False,
            # Knative sets the grace period itself, to the request timeout.
            "terminationGracePeriodSeconds": (
                None if is_knative(spec) else spec.timeouts.request_seconds + 15
            ),
            "imagePullSecrets": [{"name": name} for name in spec.pod.image_pull_secrets],
            "priorityClassName": place.priority_class_name,
            "nodeSelector": place.node_selector,
            "tolerations": list(place.tolerations),
            "affinity": place.affinity,
            "topologySpreadConstraints": _spread(spec, component),
            "runtimeClassName": place.runtime_class_name,
            "schedulerName": place.scheduler_name,
            "securityContext": {"fsGroup": group} if group else None,
        }
    )


def _spread(spec: ServedModel, component: str) -> list[Manifest]:
    selector = {"labelSelector": {"matchLabels": pod_labels(spec, component)}}
    return [selector | constraint for constraint in spec.scheduling.topology_spread]
