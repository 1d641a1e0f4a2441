"""What must agree across the parts of a specification; each sentence says what to do."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pilotlight_manifests.spec.autoscaling import Metric
from pilotlight_manifests.spec.quantity import amount

if TYPE_CHECKING:
    from pilotlight_manifests.spec.served_model import ServedModel

KNATIVE_METRICS = (Metric.CONCURRENCY, Metric.RPS)
MULTI_NODE_SCHEMES = ("pvc", "oci")
KNATIVE_SCALING = (
    "target_utilization_percent",
    "window_seconds",
    "scale_down_delay_seconds",
    "retention_seconds",
    "activation_scale",
    "initial_scale",
    "container_concurrency",
)
SECRET_VARIABLES = {
    "VLLM_API_KEY": "access.apiKeySecret",
    "PILOTLIGHT_ADMIN_TOKEN": "access.adminTokenSecret",
    "HF_TOKEN": "model.secret",
}


def check(spec: "ServedModel") -> None:
    """Check a specification whose parts are each right by themselves.

    Raises:
        ValueError: Two parts disagree.
    """
    for rule in _RULES:
        rule(spec)
    for rule in _KNATIVE_RULES if spec.mode == "Knative" else _STANDARD_RULES:
        rule(spec)


def _gpus_fit_the_parallelism(spec: "ServedModel") -> None:
    asked = spec.gpus.count
    plan = spec.parallelism
    if asked == 0 and plan.world_size == 1 and plan.nodes == 1:
        return
    given = spec.gpus_per_pod * plan.nodes
    if given != plan.world_size:
        raise ValueError(
            f"parallelism needs tensor x pipeline = {plan.tensor} x {plan.pipeline} = "
            f"{plan.world_size} GPUs, but {plan.nodes} node(s) with {spec.gpus_per_pod} GPUs each "
            f"have {given}: set gpus.count to {plan.world_size / plan.nodes:g}, or change "
            "parallelism"
        )


def _nodes_share_out_evenly(spec: "ServedModel") -> None:
    plan = spec.parallelism
    if plan.world_size % plan.nodes:
        raise ValueError(
            f"{plan.world_size} GPUs (tensor x pipeline) do not divide among {plan.nodes} nodes"
        )


def _several_nodes_are_possible(spec: "ServedModel") -> None:
    if spec.parallelism.nodes == 1:
        return
    if spec.mode != "Standard":
        raise ValueError(
            "parallelism.nodes above 1 needs `mode: Standard`: in Knative mode KServe drops the "
            "worker nodes without a word"
        )
    if spec.model.scheme not in MULTI_NODE_SCHEMES:
        raise ValueError(
            f"a model on several nodes must be at pvc:// or oci:// (KServe's webhook refuses "
            f"{spec.model.scheme}://): copy it to a claim that all nodes can read"
        )
    if spec.autoscaling.min_replicas != 1 or spec.autoscaling.ceiling != 1:
        raise ValueError(
            "a model on several nodes is one replica, which KServe does not scale: leave "
            "autoscaling.minReplicas and maxReplicas at 1"
        )


def _memory_holds_the_shared_memory(spec: "ServedModel") -> None:
    memory = spec.predictor_resources[1]["memory"]
    if spec.storage.shared_memory_bytes >= amount(memory):
        raise ValueError(
            f"storage.sharedMemory ({spec.storage.shared_memory}) counts as the pod's memory, "
            f"whose limit is {memory}: raise resources.limits.memory"
        )


def _adapters_and_model_have_one_way_in(spec: "ServedModel") -> None:
    lora = spec.engine.lora
    if lora and any(a.uri for a in lora.adapters) and spec.predictor_runtime:
        raise ValueError(
            "engine.lora: adapters with a uri go with the InferenceService's own container: leave "
            "out runtime, or give the adapters as paths"
        )


def _one_hand_on_the_traffic(spec: "ServedModel") -> None:
    if spec.rollout is not None and spec.canary_traffic_percent is not None:
        raise ValueError(
            "canaryTrafficPercent is written by the rollout: leave it out, or leave out rollout"
        )


def _an_account_is_made_or_named(spec: "ServedModel") -> None:
    model = spec.model
    if model.service_account and (model.secret or model.service_account_annotations):
        raise ValueError(
            "model.serviceAccount names an account that exists: put secret and annotations there, "
            "or leave it out to have one made"
        )


def _no_secret_in_plain_sight(spec: "ServedModel") -> None:
    for name, field in SECRET_VARIABLES.items():
        if name in spec.pod.env:
            raise ValueError(f"pod.env.{name} would show a secret: name its Secret in {field}")
    for name in ("STORAGE_URI", "PYTHONPATH"):
        if name in spec.pod.env:
            raise ValueError(f"pod.env.{name} is KServe's own: leave it out")


def _knative_metric(spec: "ServedModel") -> None:
    metric = spec.autoscaling.metric
    if metric is not None and metric not in KNATIVE_METRICS:
        raise ValueError(
            f"autoscaling.metric {metric} is for `mode: Standard`: Knative scales by concurrency "
            "or rps"
        )


def _knative_timeout(spec: "ServedModel") -> None:
    limit, asked = spec.timeouts.cluster_max_seconds, spec.timeouts.request_seconds
    if asked > limit:
        raise ValueError(
            f"timeouts.requestSeconds ({asked}) is above Knative's {limit}: lower it, or raise "
            "`max-revision-timeout-seconds` in config-defaults and say so in "
            "timeouts.clusterMaxSeconds"
        )


def _knative_callers(spec: "ServedModel") -> None:
    if spec.access.callers:
        raise ValueError(
            "access.callers works in Standard mode only: in Knative mode every call comes through "
            "gateway and activator; use access.apiKeySecret or access.clusterLocal"
        )
    if spec.monitoring and spec.monitoring.kind == "ServiceMonitor":
        raise ValueError(
            "monitoring.kind ServiceMonitor works in Standard mode only (Knative's services have "
            "no port for metrics): use PodMonitor"
        )


def _pool_below_the_ceiling(spec: "ServedModel") -> None:
    pool, ceiling = spec.warm_pool, spec.autoscaling.ceiling
    if pool is not None and pool.max_replicas > ceiling:
        raise ValueError(
            f"warmPool.maxReplicas ({pool.max_replicas}) is above autoscaling.maxReplicas "
            f"({ceiling}), which caps it"
        )


def _standard_only(spec: "ServedModel") -> None:
    for name, given in (
        ("rollout", spec.rollout is not None),
        ("canaryTrafficPercent", spec.canary_traffic_percent is not None),
        ("warmPool", spec.warm_pool is not None),
    ):
        if given:
            raise ValueError(f"{name} needs `mode: Knative`: in Standard mode it has no effect")
    scaling = spec.autoscaling
    if scaling.min_replicas == 0:
        raise ValueError(
            "autoscaling.minReplicas 0 needs `mode: Knative`: in Standard mode KServe keeps one"
        )
    for name in KNATIVE_SCALING:
        if getattr(scaling, name) is not None:
            alias = type(scaling).model_fields[name].alias
            raise ValueError(f"autoscaling.{alias} needs `mode: Knative`: leave it out")


def _standard_metric(spec: "ServedModel") -> None:
    scaling = spec.autoscaling
    if scaling.metric in KNATIVE_METRICS:
        raise ValueError(
            f"autoscaling.metric {scaling.metric} needs `mode: Knative`: Standard mode scales by "
            "cpu or memory"
        )
    if scaling.min_replicas < scaling.ceiling and scaling.metric is None:
        raise ValueError(
            "autoscaling.metric (cpu or memory) is needed to scale in Standard mode; for a fixed "
            "number set minReplicas and maxReplicas alike"
        )
    if scaling.metric is Metric.CPU and (scaling.target or 80) > 100:
        raise ValueError("autoscaling.target is a percentage of the CPU: 1 to 100")


_Rule = Callable[["ServedModel"], None]

_RULES: tuple[_Rule, ...] = (
    _nodes_share_out_evenly,
    _gpus_fit_the_parallelism,
    _several_nodes_are_possible,
    _memory_holds_the_shared_memory,
    _adapters_and_model_have_one_way_in,
    _one_hand_on_the_traffic,
    _an_account_is_made_or_named,
    _no_secret_in_plain_sight,
)
_KNATIVE_RULES: tuple[_Rule, ...] = (
    _knative_metric,
    _knative_timeout,
    _knative_callers,
    _pool_below_the_ceiling,
)
_STANDARD_RULES: tuple[_Rule, ...] = (_standard_only, _standard_metric)
