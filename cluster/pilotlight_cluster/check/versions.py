"""Are Kubernetes, Knative and KServe there, and new enough?"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pilotlight.kube.document import Kind
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


@dataclass(frozen=True)
class Product:
    """What has to be installed on the cluster.

    Attributes:
        kinds: The API kinds by which it is known to be there.
        level: Of a version before ``least``.
        install: The commands that install it, for the ``kubectl`` in use.
    """

    id: str
    title: str
    kinds: tuple[Kind, ...]
    purpose: str
    least: Version
    wanted: str
    level: Level
    too_old: str
    install: Callable[[str], tuple[str, ...]]


KNATIVE_SERVING = Product(
    id="knative",
    title="Knative Serving",
    kinds=parts.KNATIVE_KINDS,
    purpose="Scale to zero, warm pools and canaries are built on Knative's revisions.",
    least=KNATIVE,
    wanted=f"Pilotlight needs {KNATIVE} or newer",
    level=Level.ERROR,
    too_old=f"Before {KNATIVE} the warm minimum of a revision cannot be changed without deploying "
    "a new one, so warm pools do not work. Upgrade one minor version at a time.",
    install=mending.install_knative,
)
KSERVE_CONTROLLER = Product(
    id="kserve",
    title="KServe",
    kinds=parts.KSERVE_KINDS,
    purpose="Models are deployed as InferenceServices.",
    least=KSERVE,
    wanted=f"Pilotlight is tested with {KSERVE}",
    level=Level.WARNING,
    too_old=f"Pilotlight is tested with {KSERVE}; rollouts rely on how it splits traffic.",
    install=mending.install_kserve,
)


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
    yield from _judge(seen, KNATIVE_SERVING, lambda: _knative_version(seen))


def kserve(seen: Observation) -> Iterator[Finding]:
    """KServe."""
    yield from _judge(seen, KSERVE_CONTROLLER, lambda: _kserve_version(seen))


def _judge(seen: Observation, product: Product, version: Callable[[], str]) -> Iterator[Finding]:
    """Whether a product is there, and new enough."""
    missing = [kind for kind in product.kinds if kind not in seen.kinds]
    if missing:
        yield Finding(
            f"{product.id}.installed",
            Level.ERROR,
            product.title,
            "not installed"
            if len(missing) == len(product.kinds)
            else "without " + ", ".join(str(kind) for kind in missing),
            product.purpose,
            product.install(seen.kubectl),
        )
        return
    text = version()
    found = parse(text)
    check = f"{product.id}.version"
    if found is None:
        said = f"version {text}" if text else "installed, version unknown"
        why = f"{product.wanted}, and this one does not say what it is."
        yield Finding(check, Level.INFO, product.title, said, why)
    elif found < product.least:
        mend = product.install(seen.kubectl)
        yield Finding(check, product.level, product.title, text, product.too_old, mend)
    else:
        yield Finding(check, Level.OK, product.title, text)


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
