"""Which revision of each component is the one to rely on, whatever KServe says in between."""

from pilotlight.api.rollout_status import Component, ComponentRecord, Phase
from pilotlight_canary.observation import ComponentView
from pilotlight_canary.policy.course import under_way
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.unheld import reported
from pilotlight_canary.policy.version import is_new, version


def recorded(look: Look, component: Component, **changes: str) -> Look:
    """With something else remembered of a component."""
    record = look.status.components.get(component, ComponentRecord())
    changed = record.model_copy(update=changes)
    return look.but(components={**look.status.components, component: changed})


def remember(look: Look) -> Look:
    """Record what has all of the traffic while nothing is rolled out.

    It is recorded before a change can come: with the change in the spec KServe may take the hold
    for a rollback, and then says that the version before stable is the one to return to.
    """
    for component, view in sorted(look.service.components.items()):
        if under_way(look.status) and component is look.status.component:
            continue
        look = _remember(look, component, view)
    gone = look.status.components.keys() - look.service.components.keys()
    if not gone:
        return look
    kept = {name: one for name, one in look.status.components.items() if name not in gone}
    return look.but(components=kept)


def _remember(look: Look, component: Component, view: ComponentView) -> Look:
    record = look.status.components.get(component, ComponentRecord())
    newest = view.rolled_out
    if not newest or newest not in look.service.revisions or newest == record.stable:
        return look
    if record.stable not in look.service.revisions:
        return recorded(look, component, stable=newest)
    if view.percent in (None, 100) or _is_younger(look, newest, record.stable):
        if _was_held_late(look, view, record.stable):
            return look  # As below.
        return _unheld(look, component, record.stable, newest)
    if _taken_back_by_hand(look, view, record.stable):
        return _by_hand(look, component, view, record.stable)
    return look  # KServe has lost it: Desired.rolled_out tells it.


def _unheld(look: Look, component: Component, before: str, newest: str) -> Look:
    message = (
        f"{component} {newest} got all of the traffic without being held: {before} had it before. "
        "An edited ServingRuntime, an upgrade of KServe or a write past the webhook does that."
    )
    return reported(recorded(look, component, stable=newest), message)


def _was_held_late(look: Look, view: ComponentView, stable: str) -> bool:
    """KServe took the newest for rolled out before it saw the hold, and stable still has pods."""
    is_newest = view.rolled_out == view.latest_created
    return view.percent == 0 and is_newest and look.service.revisions[stable].pods.ready > 0


def _is_younger(look: Look, revision: str, other: str) -> bool:
    # KServe loses its place backwards only.
    revisions = look.service.revisions
    return revisions[revision].created_at > revisions[other].created_at


def _taken_back_by_hand(look: Look, view: ComponentView, stable: str) -> bool:
    return (
        look.service.settled
        and not is_new(look.service, view, stable)
        and view.traffic.get(view.rolled_out, 0) == 100
    )


def _by_hand(look: Look, component: Component, view: ComponentView, stable: str) -> Look:
    rejected = version(look.service, view, view.rolled_out).identity
    message = (
        f"canaryTrafficPercent was set to {view.percent} by hand: {component} {view.rolled_out} "
        f"has all of the traffic again, {stable} has none"
    )
    look = recorded(look, component, stable=view.rolled_out, rejected=rejected)
    if under_way(look.status):
        return look
    return look.to(
        Phase.ROLLED_BACK,
        message,
        component=component,
        canary_revision=stable,
        stable_revision=view.rolled_out,
        template_hash=rejected,
        weight=0,
    ).warn("RolledBackByHand", message, notify=True)
