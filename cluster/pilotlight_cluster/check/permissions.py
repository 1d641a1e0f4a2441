"""May the one who asks do what Pilotlight does?"""

from collections.abc import Iterator

from pilotlight_cluster.check import mending
from pilotlight_cluster.check.duties import DUTIES, Duty
from pilotlight_cluster.check.finding import Finding, Level
from pilotlight_cluster.check.observation import Observation

READ = (
    "namespaces",
    "configmaps",
    "services",
    "deployments.apps",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
)


def reading(seen: Observation) -> Iterator[Finding]:
    """What the check itself was not allowed to read."""
    denied = sorted(set(seen.denied()))
    if not denied:
        return
    yield Finding(
        "permissions.check",
        Level.WARNING,
        "What could not be read",
        f"not permitted: {', '.join(denied)}",
        "Nothing is said above about these. An administrator can run the check, or permit it.",
        mending.grant_reading(seen.kubectl, seen.reader, READ),
    )


def duties(seen: Observation) -> Iterator[Finding]:
    """One finding for each thing that Pilotlight does."""
    for duty in DUTIES:
        yield _duty(seen, duty)


def _duty(seen: Observation, duty: Duty) -> Finding:
    id_, title = f"permissions.{duty.id}", f"May {duty.title}"
    user = seen.user or "this user"
    missing = [action for action in duty.actions if action in seen.refused]
    if not missing:
        return Finding(id_, Level.OK, title, f"{user} in namespace {seen.namespace}")
    resources = list(dict.fromkeys(action.resource for action in missing))
    lacks = "; ".join(
        f"{resource}: " + ", ".join(a.verb for a in missing if a.resource == resource)
        for resource in resources
    )
    return Finding(
        id_,
        Level.ERROR if duty.essential else Level.WARNING,
        title,
        f"{user} may not, in namespace {seen.namespace}: {lacks}",
        "Needed by whoever runs Pilotlight's commands."
        if duty.id in ("deploy", "observe")
        else "Needed by the service account of Pilotlight's controllers; check that one with "
        "--as system:serviceaccount:NAMESPACE:NAME.",
        mending.grant(seen.kubectl, f"pilotlight-{duty.id}", seen.user, seen.namespace, duty.rules),
    )
