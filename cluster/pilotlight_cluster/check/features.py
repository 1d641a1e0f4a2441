"""Does Knative let manifests use the parts of a pod that models need?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pilotlight_cluster.check import mending, parts
from pilotlight_cluster.check.finding import Finding, Level
from pilotlight_cluster.check.observation import Observation

EMPTY_DIR = "kubernetes.podspec-volumes-emptydir"
CLAIM = "kubernetes.podspec-persistent-volume-claim"
VOLUMES = (EMPTY_DIR, CLAIM)


@dataclass(frozen=True)
class Need:
    """Feature flags that belong together."""

    id: str
    title: str
    flags: tuple[str, ...]
    level: Level
    why: str


NEEDS = (
    Need(
        "shared-memory",
        "Feature: memory volumes",
        (EMPTY_DIR,),
        Level.ERROR,
        "vLLM's processes talk through /dev/shm, and the 64 MB that a pod has by default kill "
        "them: manifests mount an emptyDir in memory there.",
    ),
    Need(
        "claims",
        "Feature: persistent volumes",
        (CLAIM,),
        Level.WARNING,
        "Knative refuses manifests that mount a PersistentVolumeClaim.",
    ),
    Need(
        "scheduling",
        "Feature: choice of nodes",
        (
            "kubernetes.podspec-nodeselector",
            "kubernetes.podspec-tolerations",
            "kubernetes.podspec-affinity",
            "kubernetes.podspec-topologyspreadconstraints",
            "kubernetes.podspec-priorityclassname",
            "kubernetes.podspec-runtimeclassname",
            "kubernetes.podspec-schedulername",
        ),
        Level.WARNING,
        "Knative refuses manifests that choose GPU nodes, tolerate their taints or set a priority.",
    ),
    Need(
        "user",
        "Feature: the pod's user",
        ("kubernetes.podspec-securitycontext",),
        Level.WARNING,
        "Knative refuses manifests that set user, group or seccomp profile for the whole pod, as "
        "namespaces with the `restricted` Pod Security Standard and shared volumes need it.",
    ),
)


def features(seen: Observation) -> Iterator[Finding]:
    """What config-features allows."""
    flags = seen.settings("config-features")
    if flags is None:
        return
    for need in NEEDS:
        off = [flag for flag in need.flags if not is_on(flags, flag)]
        if not off:
            yield Finding(f"knative.features.{need.id}", Level.OK, need.title, "enabled")
            continue
        yield Finding(
            f"knative.features.{need.id}",
            need.level,
            need.title,
            "disabled: " + ", ".join(flag.removeprefix("kubernetes.") for flag in off),
            need.why,
            (
                mending.settings(
                    seen.kubectl, "config-features", parts.SERVING, dict.fromkeys(off, "enabled")
                ),
            ),
        )


def is_on(flags: Mapping[str, str], flag: str) -> bool:
    """Whether Knative takes a flag as set (serving/pkg/apis/config/features.go, asFlag).

    Anything but Enabled, Allowed and Disabled, in any case, leaves the default. Volumes must be
    Enabled (serving/pkg/apis/serving/k8s_validation.go); for fields Allowed is enough.
    """
    value = flags.get(flag, "").lower()
    if value not in ("enabled", "allowed", "disabled"):
        return flag == EMPTY_DIR
    return value == "enabled" or (value == "allowed" and flag not in VOLUMES)
