"""What else should be there: Pilotlight's own kinds, Prometheus's, and the namespace."""

from collections.abc import Iterator, Sequence

from pilotlight.kube.document import Kind
from pilotlight_cluster.check import mending, parts
from pilotlight_cluster.check.finding import Finding, Level
from pilotlight_cluster.check.observation import Observation


def namespace(seen: Observation) -> Iterator[Finding]:
    """Where models run."""
    look = seen.namespaces.get(seen.namespace)
    if look is None or look.denied:
        return
    name, title = seen.namespace, "Namespace"
    if look.value is None:
        yield Finding(
            "namespace",
            Level.ERROR,
            title,
            f"{name} does not exist",
            "Models are deployed into it.",
            (f"{seen.kubectl} create namespace {name}",),
        )
    elif "control-plane" in look.value:
        yield Finding(
            "namespace",
            Level.ERROR,
            title,
            f"{name} has the label control-plane",
            "KServe's webhooks pass over such namespaces: pods start without their model.",
            (f"{seen.kubectl} label namespace {name} control-plane-",),
        )
    else:
        yield Finding("namespace", Level.OK, title, name)


def pilotlight_kinds(seen: Observation) -> Iterator[Finding]:
    """Rollouts and warm pools."""
    yield _kinds(
        seen,
        "pilotlight.crds",
        "Pilotlight's own kinds",
        parts.PILOTLIGHT_KINDS,
        "Rollouts and warm pools are objects of these kinds. Serving does without.",
        f"pilotlight manifests crds | {seen.kubectl} apply --server-side -f -",
    )


def prometheus_kinds(seen: Observation) -> Iterator[Finding]:
    """The Prometheus operator."""
    yield _kinds(
        seen,
        "prometheus.crds",
        "Prometheus operator",
        parts.PROMETHEUS_KINDS,
        "Manifests can bring a PodMonitor and alerts. A Prometheus without the operator needs its "
        "scrape rules written by hand.",
        mending.install_prometheus(seen.kubectl),
    )


def _kinds(
    seen: Observation, id_: str, title: str, wanted: Sequence[Kind], why: str, mend: str
) -> Finding:
    missing = [str(kind) for kind in wanted if kind not in seen.kinds]
    if not missing:
        return Finding(id_, Level.OK, title, ", ".join(kind.name for kind in wanted))
    return Finding(id_, Level.INFO, title, f"without {', '.join(missing)}", why, (mend,))
