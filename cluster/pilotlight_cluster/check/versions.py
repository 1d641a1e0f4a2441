"""Are Kubernetes, Knative and KServe there, and new enough?"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pilotlight_cluster.check import mending, parts
from pilotlight_cluster.check.finding import Finding, Level
from pilotlight_cluster.check.kserve_settings import section
from pilotlight_cluster.check.observation import Observation


@dataclass(frozen=True, order=True)
class Version:
    """Major and minor; patches do not matter here."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


# knative.dev/pkg version.go refuses to start on an older one.
KUBERNETES = Version(1, 33)
# Since this one the warm minimum can be changed on a Revision.
KNATIVE = Version(1, 21)
# The one that Pilotlight is tested with.
KSERVE = Version(0, 20)


def parse(text: str) -> Version | None:
    """The version in ``v1.34.4``, ``1.34+`` or ``v1.34.4-gke.1``; ``None`` if there is none."""
    found = re.match(r"v?(\d+)\.(\d+)(?!\d)", text)
    return Version(int(found[1]), int(found[2])) if found else None


def kubernetes(seen: Observation) -> Iterator[Finding]:
    """Kubernetes itself."""
    version = parse(seen.kubernetes)
    if version is not None and version >= KUBERNETES:
        yield Finding("kubernetes.version", Level.OK, "Kubernetes", seen.kubernetes)
        return
    yield Finding(
        "kubernetes.version",
        Level.ERROR,
        "Kubernetes",
        seen.kubernetes or "no version",
        f"Knative Serving {KNATIVE} does not start on Kubernetes older than {KUBERNETES}.",
        (f"# upgrade the cluster to Kubernetes {KUBERNETES} or newer",),
    )


def knative(seen: Observation) -> Iterator[Finding]:
    """Knative Serving."""
    missing = [kind for kind in parts.KNATIVE_KINDS if kind not in seen.kinds]
    if missing:
        yield Finding(
            "knative.installed",
            Level.ERROR,
            "Knative Serving",
            "not installed"
            if len(missing) == len(parts.KNATIVE_KINDS)
            else "without " + ", ".join(str(kind) for kind in missing),
            "Scale to zero, warm pools and canaries are built on Knative's revisions.",
            mending.install_knative(seen.kubectl),
        )
        return
    text = _knative_version(seen)
    version = parse(text)
    if version is None:
        yield Finding(
            "knative.version",
            Level.INFO,
            "Knative Serving",
            f"version {text}" if text else "installed, version unknown",
            f"Pilotlight needs {KNATIVE} or newer, and this one does not say what it is.",
        )
    elif version < KNATIVE:
        yield Finding(
            "knative.version",
            Level.ERROR,
            "Knative Serving",
            text,
            f"Before {KNATIVE} the warm minimum of a revision cannot be changed without deploying "
            "a new one, so warm pools do not work. Upgrade one minor version at a time.",
            mending.install_knative(seen.kubectl),
        )
    else:
        yield Finding("knative.version", Level.OK, "Knative Serving", text)


def kserve(seen: Observation) -> Iterator[Finding]:
    """KServe."""
    missing = [kind for kind in parts.KSERVE_KINDS if kind not in seen.kinds]
    if missing:
        yield Finding(
            "kserve.installed",
            Level.ERROR,
            "KServe",
            "not installed"
            if len(missing) == len(parts.KSERVE_KINDS)
            else "without " + ", ".join(str(kind) for kind in missing),
            "Models are deployed as InferenceServices.",
            mending.install_kserve(seen.kubectl),
        )
        return
    text = _kserve_version(seen)
    version = parse(text)
    if version is None:
        yield Finding(
            "kserve.version",
            Level.INFO,
            "KServe",
            f"version {text}" if text else "installed, version unknown",
            f"Pilotlight is tested with {KSERVE}, and this one does not say what it is.",
        )
    elif version < KSERVE:
        yield Finding(
            "kserve.version",
            Level.WARNING,
            "KServe",
            text,
            f"Pilotlight is tested with {KSERVE}; rollouts rely on how it splits traffic.",
            mending.install_kserve(seen.kubectl),
        )
    else:
        yield Finding("kserve.version", Level.OK, "KServe", text)


def _knative_version(seen: Observation) -> str:
    workload = seen.workload(f"{parts.SERVING}/controller")
    if workload is not None and workload.version:
        return workload.version
    labels = seen.namespaces.get(parts.SERVING)
    return (labels.value or {}).get("app.kubernetes.io/version", "") if labels else ""


def _kserve_version(seen: Observation) -> str:
    """The tag of KServe's controller, or of the storage initializer that it is released with."""
    workload = seen.workload(f"{seen.kserve_namespace}/{parts.KSERVE_CONTROLLER}")
    tags = [
        tag
        for name, tag in map(_image, workload.images if workload else ())
        if name == "kserve-controller"
    ]
    initializer = section(seen.settings(parts.KSERVE_CONFIG) or {}, "storageInitializer")
    if not any(map(parse, tags)) and initializer is not None:
        tags.append(_image(str(initializer.get("image", "")))[1])
    return next(filter(parse, tags), tags[0] if tags else "")


def _image(reference: str) -> tuple[str, str]:
    """Name and tag of an image, without its registry and digest."""
    name, _, tag = reference.rpartition("/")[2].partition("@")[0].partition(":")
    return name, tag
