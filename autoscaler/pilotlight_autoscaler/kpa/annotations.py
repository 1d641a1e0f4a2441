"""Settings of a revision, from the cluster's ConfigMaps and its own annotations.

As in Knative, a revision's value that cannot be read counts as not given
(``apis/autoscaling/v1alpha1/pa_lifecycle.go``), and the cluster's must be readable.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pilotlight.errors import UsageError
from pilotlight_autoscaler.kpa import durations
from pilotlight_autoscaler.kpa.go_floats import INT32_MAX, INT32_MIN
from pilotlight_autoscaler.kpa.settings import Aggregation, KpaSettings, Metric

Parser = Callable[[str], Any]


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text) or not INT32_MIN <= int(text) <= INT32_MAX:
        raise ValueError(f"no whole number of 32 bits: {text!r}")
    return int(text)


def _decimal(text: str) -> float:
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        raise ValueError(f"no number: {text!r}")
    return float(text)


def _flag(text: str) -> bool:
    return text.lower() == "true"


def _aggregation(text: str) -> Aggregation:
    return Aggregation.WEIGHTED if text == "weightedExponential" else Aggregation(text)


CLUSTER: Mapping[str, tuple[str, Parser]] = {
    "enable-scale-to-zero": ("enable_scale_to_zero", _flag),
    "max-scale-up-rate": ("max_scale_up_rate", _decimal),
    "max-scale-down-rate": ("max_scale_down_rate", _decimal),
    "container-concurrency-target-percentage": (
        "container_concurrency_target_fraction",
        _decimal,
    ),
    "container-concurrency-target-default": ("container_concurrency_target_default", _decimal),
    "requests-per-second-target-default": ("rps_target_default", _decimal),
    "target-burst-capacity": ("target_burst_capacity", _decimal),
    "panic-window-percentage": ("panic_window_percentage", _decimal),
    "panic-threshold-percentage": ("panic_threshold_percentage", _decimal),
    "initial-scale": ("initial_scale", _whole),
    "min-scale": ("min_scale", _whole),
    "max-scale": ("max_scale", _whole),
    "stable-window": ("stable_window_s", durations.seconds),
    "scale-down-delay": ("scale_down_delay_s", durations.seconds),
    "scale-to-zero-grace-period": ("scale_to_zero_grace_period_s", durations.seconds),
    "scale-to-zero-pod-retention-period": (
        "scale_to_zero_pod_retention_period_s",
        durations.seconds,
    ),
}
"""Keys of the ConfigMap ``config-autoscaler``."""
OWN: Mapping[str, tuple[str, Parser]] = {
    "metric": ("metric", Metric),
    "metric-aggregation-algorithm": ("aggregation", _aggregation),
    "target": ("target", _decimal),
    "target-utilization-percentage": ("target_utilization_percentage", _decimal),
    "target-burst-capacity": ("target_burst_capacity", _decimal),
    "window": ("stable_window_s", durations.seconds),
    "panic-window-percentage": ("panic_window_percentage", _decimal),
    "panic-threshold-percentage": ("panic_threshold_percentage", _decimal),
    "scale-down-delay": ("scale_down_delay_s", durations.seconds),
    "scale-to-zero-pod-retention-period": (
        "scale_to_zero_pod_retention_period_s",
        durations.seconds,
    ),
    "activation-scale": ("activation_scale", _whole),
    "min-scale": ("min_scale", _whole),
    "max-scale": ("max_scale", _whole),
    "initial-scale": ("initial_scale", _whole),
}
"""Annotations of a revision, without ``autoscaling.knative.dev/``."""
NO_OLDER_SPELLING = frozenset({"metric", "target", "window", "activation-scale"})
GROUP = "autoscaling.knative.dev/"
PROGRESS_DEADLINE = "serving.knative.dev/progress-deadline"


def settings_of(
    cluster: Mapping[str, str],
    annotations: Mapping[str, str],
    container_concurrency: int = 0,
    reachable: bool = True,
) -> KpaSettings:
    """What holds for a revision.

    Args:
        cluster: Data of ``config-autoscaler``, with ``progress-deadline`` of
            ``config-deployment`` where that is set.
        annotations: Of the revision.
        container_concurrency: Of the revision; 0: no limit.
        reachable: Whether a Route leads to it.

    Raises:
        UsageError: A value of the cluster cannot be read.
    """
    values: dict[str, Any] = {
        "container_concurrency": container_concurrency,
        "reachable": reachable,
        **_of_cluster(cluster),
    }
    own = _of_revision(annotations)
    if own.get("initial_scale") == 0 and not _flag(cluster.get("allow-zero-initial-scale", "")):
        del own["initial_scale"]
    return KpaSettings(**(values | own))


def _of_cluster(cluster: Mapping[str, str]) -> dict[str, Any]:
    known = {**CLUSTER, "progress-deadline": ("progress_deadline_s", durations.seconds)}
    values: dict[str, Any] = {}
    for key, (field, parse) in known.items():
        if key in cluster:
            try:
                values[field] = parse(cluster[key])
            except ValueError as error:
                raise UsageError(f"config-autoscaler, {key}: {error}") from error
    fraction = values.get("container_concurrency_target_fraction", 0.0)
    if fraction > 1.0:
        values["container_concurrency_target_fraction"] = fraction / 100.0
    return values


def _of_revision(annotations: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, (field, parse) in OWN.items():
        spellings = (name,) if name in NO_OLDER_SPELLING else (name, _camel(name))
        given = [GROUP + spelling for spelling in spellings if GROUP + spelling in annotations]
        if given:
            _read(values, field, parse, annotations[given[0]])
    if PROGRESS_DEADLINE in annotations:
        deadline = annotations[PROGRESS_DEADLINE]
        _read(values, "progress_deadline_s", durations.seconds, deadline)
    return values


def _read(values: dict[str, Any], field: str, parse: Parser, text: str) -> None:
    try:
        values[field] = parse(text)
    except ValueError:
        return


def _camel(name: str) -> str:
    """The older spelling, as in ``minScale``."""
    head, *tail = name.split("-")
    return head + "".join(part.capitalize() for part in tail)
