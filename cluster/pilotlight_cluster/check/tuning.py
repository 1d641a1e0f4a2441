"""Do Knative's settings suit servers that start slowly and answer for minutes?"""

import re
from collections.abc import Iterator, Mapping

from pilotlight_cluster.check import mending, parts
from pilotlight_cluster.check.finding import Finding, Level
from pilotlight_cluster.check.observation import Observation

# Knative's own defaults: serving/pkg/apis/config/defaults.go, pkg/deployment/config.go.
REQUEST_TIMEOUT_S = 300
MAX_REQUEST_TIMEOUT_S = 600
PROGRESS_DEADLINE_S = 600.0

SKIPPED_REGISTRIES = "kind.local,ko.local,dev.local"

METRICS = (
    (
        "metrics-protocol",
        "knative.metrics",
        Level.ERROR,
        "Metrics of the autoscaler",
        "Warm pools and dashboards read concurrency and pod counts from Knative's metrics.",
    ),
    (
        "request-metrics-protocol",
        "knative.request-metrics",
        Level.WARNING,
        "Metrics of the requests",
        (
            "Rollouts compare versions by the requests that queue-proxy counts. Changing this "
            "restarts every pod of every Knative service: do it before models run."
        ),
    ),
)

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def seconds(duration: str) -> float | None:
    """The length of a Go duration such as ``1m30s``; ``None`` if it is none."""
    if not re.fullmatch(rf"(?:{_PART.pattern})+", duration):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(duration))


def whole(settings: Mapping[str, str], key: str, default: int) -> int:
    """An integer setting; Knative's webhook lets nothing else in."""
    text = settings.get(key, "").strip()
    return int(text) if re.fullmatch(r"\d+", text) else default


def scheduling(seen: Observation) -> Iterator[Finding]:
    """Is a warm pod that waits for a node taken for a broken one?"""
    settings = seen.settings("config-deployment")
    if settings is None:
        return
    key, title = "pod-is-always-schedulable", "Pods that wait for a node"
    if settings.get(key, "").strip().lower() in ("true", "t", "1"):
        yield Finding(f"knative.{key}", Level.OK, title, f"{key}: true")
        return
    yield Finding(
        f"knative.{key}",
        Level.WARNING,
        title,
        f"{key}: false",
        "A pod that waits for a GPU node makes its revision count as broken: it gets no traffic, "
        "and the warm pool's minimum is dropped.",
        (mending.settings(seen.kubectl, "config-deployment", parts.SERVING, {key: "true"}),),
    )


def progress(seen: Observation) -> Iterator[Finding]:
    """May a model take its time to load?"""
    settings = seen.settings("config-deployment")
    if settings is None:
        return
    key, title = "progress-deadline", "Time to become ready"
    text = settings.get(key) or settings.get("progressDeadline") or f"{PROGRESS_DEADLINE_S:g}s"
    if (seconds(text) or 0) >= PROGRESS_DEADLINE_S:
        yield Finding(f"knative.{key}", Level.OK, title, f"{key}: {text}")
        return
    yield Finding(
        f"knative.{key}",
        Level.WARNING,
        title,
        f"{key}: {text}",
        "A revision whose image and weights take longer to load is given up.",
        (mending.settings(seen.kubectl, "config-deployment", parts.SERVING, {key: "600s"}),),
    )


def zero(seen: Observation) -> Iterator[Finding]:
    """Do idle models go to zero?"""
    settings = seen.settings("config-autoscaler")
    if settings is None:
        return
    key, title = "enable-scale-to-zero", "Scale to zero"
    if settings.get(key, "true").strip().lower() in ("true", "t", "1"):
        grace = settings.get("scale-to-zero-grace-period") or "30s"
        kept = settings.get("scale-to-zero-pod-retention-period") or "0s"
        said = f"on, grace period {grace}, last pod kept {kept}"
        yield Finding("knative.scale-to-zero", Level.OK, title, said)
        return
    yield Finding(
        "knative.scale-to-zero",
        Level.WARNING,
        title,
        f"{key}: false",
        "Every model keeps a pod, and its GPU, for ever.",
        (mending.settings(seen.kubectl, "config-autoscaler", parts.SERVING, {key: "true"}),),
    )


def timeouts(seen: Observation) -> Iterator[Finding]:
    """Do a cold start and a long answer fit into one request?"""
    settings = seen.settings("config-defaults")
    if settings is None:
        return
    default = whole(settings, "revision-timeout-seconds", REQUEST_TIMEOUT_S)
    longest = whole(settings, "max-revision-timeout-seconds", MAX_REQUEST_TIMEOUT_S)
    said = f"default {default} s, at most {longest} s"
    short = {}
    if longest < MAX_REQUEST_TIMEOUT_S:
        short["max-revision-timeout-seconds"] = str(MAX_REQUEST_TIMEOUT_S)
    if default < REQUEST_TIMEOUT_S:
        short["revision-timeout-seconds"] = str(REQUEST_TIMEOUT_S)
    title = "Time for one request"
    if short:
        yield Finding(
            "knative.request-timeout",
            Level.WARNING,
            title,
            said,
            "A request that wakes a model waits for the whole cold start and then streams its "
            f"answer, all within this time; Pilotlight's manifests ask for {MAX_REQUEST_TIMEOUT_S} "
            "s.",
            (mending.settings(seen.kubectl, "config-defaults", parts.SERVING, short),),
        )
    else:
        yield Finding("knative.request-timeout", Level.OK, title, said)
    yield from _activator(seen, longest)


def _activator(seen: Observation, longest: int) -> Iterator[Finding]:
    activator = seen.workload(f"{parts.SERVING}/activator")
    if activator is None or activator.grace_s >= longest:
        return
    pod = {"template": {"spec": {"terminationGracePeriodSeconds": longest}}}
    yield Finding(
        "knative.activator-grace",
        Level.WARNING,
        "Time for the activator to stop",
        f"{activator.grace_s} s, and requests may take {longest} s",
        "An activator that is replaced cuts the streams that still run through it.",
        (mending.merge(seen.kubectl, "deployment", "activator", parts.SERVING, {"spec": pod}),),
    )


def metrics(seen: Observation) -> Iterator[Finding]:
    """Can anybody see what Knative's autoscaler and the requests do?"""
    settings = seen.settings("config-observability")
    if settings is None:
        return
    for key, id_, level, title, why in METRICS:
        value = settings.get(key, "none").strip()
        if value == "prometheus":
            yield Finding(id_, Level.OK, title, f"{key}: {value}")
            continue
        change = {key: "prometheus"}
        yield Finding(
            id_,
            level,
            title,
            f"{key}: {value}",
            why,
            (mending.settings(seen.kubectl, "config-observability", parts.SERVING, change),),
        )


def registries(seen: Observation) -> Iterator[Finding]:
    """Which images run without being looked up in their registry?"""
    settings = seen.settings("config-deployment")
    if settings is None:
        return
    key = "registries-skipping-tag-resolving"
    # Knative's default, which an empty value removes.
    text = settings.get(key, settings.get("registriesSkippingTagResolving", SKIPPED_REGISTRIES))
    names = [name.strip() for name in text.split(",") if name.strip()]
    title = "Images without a registry"
    if "dev.local" in names:
        yield Finding(f"knative.{key}", Level.OK, title, ", ".join(names))
        return
    change = {key: ",".join([*names, "dev.local"])}
    yield Finding(
        f"knative.{key}",
        Level.INFO,
        title,
        ", ".join(names) or "none",
        "Images named dev.local/…, which Pilotlight's examples use, are looked up in a registry "
        "of that name. Set this only where such images are loaded into the nodes.",
        (mending.settings(seen.kubectl, "config-deployment", parts.SERVING, change),),
    )
