"""Do the controllers run, and does the API server reach their webhooks?"""

from collections.abc import Iterator, Sequence

from pilotlight_cluster.check import mending, parts
from pilotlight_cluster.check.finding import Finding, Level
from pilotlight_cluster.check.observation import Observation

KNATIVE_WHY = "Without it no model is deployed, scaled or woken."
KSERVE_WHY = "Without it InferenceServices are accepted, and nothing happens."


def knative(seen: Observation) -> Iterator[Finding]:
    """Knative's controllers and webhooks."""
    names = [f"{parts.SERVING}/{name}" for name in parts.SERVING_WORKLOADS]
    yield from running(seen, "knative.ready", "Knative's deployments", names, KNATIVE_WHY)
    yield from _trusted(
        seen,
        "knative.webhooks",
        "Knative's webhooks",
        [f"{kind.name}/{name}" for kind, name in parts.KNATIVE_WEBHOOKS],
        (mending.restart(seen.kubectl, "webhook", parts.SERVING),),
    )


def kserve(seen: Observation) -> Iterator[Finding]:
    """KServe's controller and webhooks."""
    names = [f"{seen.kserve_namespace}/{parts.KSERVE_CONTROLLER}"]
    yield from running(seen, "kserve.ready", "KServe's controller", names, KSERVE_WHY)
    yield from _trusted(
        seen,
        "kserve.webhooks",
        "KServe's webhooks",
        [f"{kind.name}/{name}" for kind, name in parts.KSERVE_WEBHOOKS],
        (
            f"{seen.kubectl} get certificate -n {seen.kserve_namespace}",
            mending.restart(seen.kubectl, "cert-manager-cainjector", "cert-manager"),
        ),
    )


def running(
    seen: Observation, id_: str, title: str, names: Sequence[str], why: str
) -> Iterator[Finding]:
    """One finding about deployments (``namespace/name``), all of which must be ready.

    None at all if one of them may not be seen.
    """
    looks = {name: seen.workloads[name] for name in names}
    if any(look.denied for look in looks.values()):
        return
    broken: dict[str, str] = {}
    for name, look in looks.items():
        if look.value is None:
            broken[name] = f"{name} is missing"
        elif look.value.wanted == 0:
            broken[name] = f"{name} is scaled to 0"
        elif look.value.ready == 0:
            broken[name] = f"{name} has no ready pod"
    if not broken:
        ready = ", ".join(name.partition("/")[2] for name in names)
        yield Finding(id_, Level.OK, title, f"ready: {ready}")
        return
    mend: list[str] = []
    for name in broken:
        namespace, _, bare = name.partition("/")
        workload = looks[name].value
        if workload is None:
            mend.append(f"{seen.kubectl} get deployments -n {namespace}")
        elif workload.wanted == 0:
            mend.append(f"{seen.kubectl} scale deployment {bare} -n {namespace} --replicas=1")
        else:
            mend.extend(mending.look_into(seen.kubectl, bare, namespace))
    yield Finding(id_, Level.ERROR, title, "; ".join(broken.values()), why, tuple(mend))


def _trusted(
    seen: Observation, id_: str, title: str, names: Sequence[str], mend: tuple[str, ...]
) -> Iterator[Finding]:
    looks = {name: seen.webhooks[name] for name in names}
    if any(look.denied for look in looks.values()):
        return
    broken = [f"{name} is missing" for name, look in looks.items() if look.value is None]
    broken += [
        f"{webhook.name} has no CA bundle"
        for look in looks.values()
        for webhook in look.value or ()
        if not webhook.trusted
    ]
    if not broken:
        yield Finding(id_, Level.OK, title, f"{len(names)} configurations, each with a CA bundle")
        return
    yield Finding(
        id_,
        Level.ERROR,
        title,
        "; ".join(broken),
        "The API server calls no webhook whose certificate it cannot verify: what should be "
        "validated or given defaults is refused, or let through as it is.",
        mend,
    )
