"""How the cluster shall be: all of it follows from the status and from what is seen."""

from collections.abc import Iterator

from pilotlight.api.rollout_status import Component, ComponentRecord, Phase, TaskState
from pilotlight_canary.decision import Desired, Task
from pilotlight_canary.observation import ComponentView, Role
from pilotlight_canary.policy import task
from pilotlight_canary.policy.course import ended
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.version import is_new

WHOLE = 100


def desired_by(look: Look) -> Desired:
    """What the actor has to make true."""
    percents: dict[Component, int] = {}
    rolled_out: dict[Component, str] = {}
    for component, view in look.service.components.items():
        share, anchor = _share(look, component, view)
        # At rest, too: the actor makes it the previous one as well, so that KServe goes from
        # stable to stable if it takes the next hold for a rollback.
        if anchor and share != WHOLE:
            rolled_out[component] = anchor
        if share is None:
            continue
        # With nothing new a share below 100 would mean: back to the version before.
        if share == WHOLE or view.latest_created not in ("", anchor):
            percents[component] = share
    return Desired(
        percents=percents,
        rolled_out=rolled_out,
        routes=_routes(look),
        floors=look.status.floors,
        kept=_kept(look),
        restore=_restored(look),
        tasks=tuple(_tasks(look)),
    )


def _share(look: Look, component: Component, view: ComponentView) -> tuple[int | None, str]:
    """The newest revision's percentage (``None``: leave it alone), and who gets the rest."""
    status = look.status
    if component is status.component and not ended(status):
        if status.phase is Phase.WATCHING:
            return None, ""
        return status.weight, status.stable_revision
    stable = status.components.get(component, ComponentRecord()).stable
    if not stable or (look.spec.suspend and _has_everything(view)):
        return None, ""
    if is_new(look.service, view, stable):
        return 0, stable
    return None, stable if view.rolled_out == stable else ""


def _has_everything(view: ComponentView) -> bool:
    # While suspended a change that nobody held is not taken back.
    return view.traffic.get(view.latest_created, 0) == WHOLE


def _routes(look: Look) -> dict[Role, str]:
    status = look.status
    if ended(status):
        return {}
    routes = {Role.STABLE: status.stable_revision}
    # While it is watched, too: should KServe take the next hold for a rollback, it stays up.
    if look.canary is not None and status.phase is not Phase.ROLLING_BACK:
        routes[Role.CANARY] = look.canary.name
    return routes


def _kept(look: Look) -> frozenset[str]:
    if ended(look.status):
        return frozenset()
    return frozenset({look.status.stable_revision, look.status.canary_revision} - {""})


def _restored(look: Look) -> str:
    # Only what was taken back here: a tool that writes it again is not fought.
    status = look.status
    wanted = look.spec.on_rollback == "restore" and not look.spec.suspend
    if status.phase is not Phase.ROLLED_BACK or not wanted:
        return ""
    is_there = look.view.latest_created == status.canary_revision != ""
    is_same = look.view.template_hash in ("", status.template_hash.partition("@")[0])
    is_rejected = look.record.rejected == status.template_hash
    return status.stable_revision if is_there and is_same and is_rejected else ""


def _tasks(look: Look) -> Iterator[Task]:
    """What was asked for and has not ended, or is asked again at every look."""
    again = {
        task.hook(one) for one in look.spec.analysis.webhooks if one.type in ("rollout", "rollback")
    }
    after = set(task.hooks(look, "post-rollout"))
    for name, state in look.status.tasks.items():
        if name.startswith(("approval-", "going-on-")):
            continue
        if ended(look.status) != (name in after):
            continue
        if state is TaskState.WAITING or name in again:
            yield Task(name, look.status.canary_revision)
