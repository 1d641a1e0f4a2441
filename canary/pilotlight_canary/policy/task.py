"""What runs beside the loop: warm-up, gates, webhooks, and what a person has to approve."""

from pilotlight.api.analysis import Webhook
from pilotlight.api.rollout_status import TaskState
from pilotlight_canary.policy.look import Look

WARM_UP = "warm-up"
OFFLINE_GATE = "offline-gate"
SHADOW = "shadow"
ASKED_AGAIN = frozenset({"confirm-rollout", "confirm-promotion", "rollout", "rollback"})
"""Webhooks whose answer may change: they are asked at every look while they matter."""


def approval(weight: int) -> str:
    """The task of a person at a step with this weight."""
    return f"approval-{weight}"


def going_on(weight: int) -> str:
    """A person's word that a step without a result is good enough."""
    return f"going-on-{weight}"


def hook(webhook: Webhook) -> str:
    """The task of a webhook."""
    return f"webhook-{webhook.name}"


def hooks(look: Look, kind: str) -> tuple[str, ...]:
    """The tasks of all webhooks of a type."""
    return tuple(hook(one) for one in look.spec.analysis.webhooks if one.type == kind)


def asked(look: Look, *names: str) -> Look:
    """With these tasks begun, if they are not already."""
    missing = {name: TaskState.WAITING for name in names if name not in look.status.tasks}
    return look.but(tasks={**look.status.tasks, **missing}) if missing else look


def dropped(look: Look, *names: str) -> Look:
    """Without these tasks."""
    kept = {name: state for name, state in look.status.tasks.items() if name not in names}
    return look.but(tasks=kept) if kept != look.status.tasks else look


def state(look: Look, name: str) -> TaskState | None:
    """What became of it; ``None``: it was not asked for."""
    return look.status.tasks.get(name)


def passed(look: Look, *names: str) -> bool:
    """All of them have."""
    return all(state(look, name) is TaskState.PASSED for name in names)


def first_in(look: Look, wanted: TaskState, names: tuple[str, ...]) -> str:
    """The first of them that is in this state; empty: none is."""
    return next((name for name in names if state(look, name) is wanted), "")


def told(look: Look, name: str) -> str:
    """Its name, and what it said of itself."""
    result = look.seen.tasks.get(name)
    return f"{name}: {result.message}" if result and result.message else name


def with_results(look: Look) -> Look:
    """What the tasks said that this rollout had asked for.

    Read first of all, before another canary may begin: results belong to the one that was there
    when they were asked for.
    """
    changing = {hook(one) for one in look.spec.analysis.webhooks if one.type in ASKED_AGAIN}
    tasks, report = dict(look.status.tasks), look.status.report
    for name, result in look.seen.tasks.items():
        before = tasks.get(name)
        if before is None or (before is not TaskState.WAITING and name not in changing):
            continue
        tasks[name] = result.state
        report = result.report or report
    changes = {"tasks": tasks, "report": report}
    return look.but(**changes) if tasks != look.status.tasks else look.but(report=report)
