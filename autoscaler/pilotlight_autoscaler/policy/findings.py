"""The state of what a warm pool relies on: its target, metrics, room and budget."""

from collections.abc import Iterator

from pilotlight.api.meta import FloorClaim
from pilotlight.api.warmpool import Reason, Term
from pilotlight_autoscaler.policy.conditions import Finding
from pilotlight_autoscaler.policy.look import Look
from pilotlight_autoscaler.policy.sight import Seeing, Sight
from pilotlight_autoscaler.policy.words import several


def findings(
    look: Look, seen: Seeing, floor: Term, claims: tuple[FloorClaim, ...]
) -> tuple[Finding, ...]:
    """Everything that is told of this look in conditions."""
    found = [_target(look), _metrics(seen), _room(look), *_warm(look, claims)]
    if look.spec.budget is not None:
        found.append(_budget(floor))
    if look.spec.sleep:
        found.append(_sleep(look))
    return tuple(found)


def _target(look: Look) -> Finding:
    message = f"InferenceService {look.service.name} is there"
    return Finding("TargetFound", True, "TargetFound", message)


def _metrics(seen: Seeing) -> Finding:
    if seen.sight is Sight.BLIND:
        return Finding("MetricsAvailable", False, "MetricsLost", seen.message)
    return Finding("MetricsAvailable", True, "MetricsAvailable", seen.message)


def _room(look: Look) -> Finding:
    """A warm pod without a node stays asked for: somebody has to hear of it."""
    stuck = [one for one in look.service.revisions if one.unschedulable]
    if not stuck:
        return Finding("Schedulable", True, "Schedulable", "every warm pod has a node")
    words = "; ".join(f"{one.name}: {one.unschedulable}" for one in stuck)
    message = f"the floor stays, and waits for room: {words}"
    if look.service.floor_needs_room:
        message = (
            "Knative drops the floor of a revision without room: set pod-is-always-schedulable to "
            f"true in config-deployment; {words}"
        )
    return Finding("Schedulable", False, "WarmPodUnschedulable", message)


def _warm(look: Look, claims: tuple[FloorClaim, ...]) -> Iterator[Finding]:
    ready = {one.name: one.ready for one in look.service.revisions}
    missing = sum(max(0, claim.replicas - ready.get(claim.revision, 0)) for claim in claims)
    if missing:
        message = f"{several(missing, 'replica')} of the floor not ready yet"
        yield Finding("Warm", False, "Starting", message, tell=False)
    else:
        yield Finding("Warm", True, "Warm", "the floor is ready", tell=False)


def _budget(floor: Term) -> Finding:
    if floor.reason is Reason.BUDGET:
        return Finding("WithinBudget", False, "CutByBudget", floor.message)
    return Finding("WithinBudget", True, "WithinBudget", "the budget is enough")


def _sleep(look: Look) -> Finding:
    missing = sorted({one.level for one in look.spec.sleep} - look.service.sleep_levels)
    if not missing:
        return Finding("SleepAvailable", True, "SleepAvailable", "replicas can be put to sleep")
    levels = " and ".join(str(level) for level in missing)
    message = f"replicas cannot sleep at level {levels}: they are warm or cold"
    return Finding("SleepAvailable", False, "SleepUnavailable", message)
