"""The beginning of a rollout: a new version is seen, and held at 0 %."""

from pilotlight.api.rollout_status import Component, Phase
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.unheld import settled
from pilotlight_canary.policy.version import Version, is_new, version

FORGOTTEN: dict[str, object] = {
    "weight": 0,
    "step": 0,
    "step_started_at": None,
    "waiting_since": None,
    "watched_seconds": 0.0,
    "observed_at": None,
    "rollback_until": None,
    "paused": False,
    "over_limit": 0,
    "evidence": (),
    "tasks": {},
    "report": "",
}
"""What a version leaves to the next: nothing."""


def new_version(look: Look) -> tuple[Component, Version] | None:
    """The first component, predictor first, that asks for a version which was not rejected."""
    for component in Component:
        view = look.service.components.get(component)
        record = look.status.components.get(component)
        if view is None or record is None or record.stable not in look.service.revisions:
            continue
        if not is_new(look.service, view, record.stable):
            continue
        before = look.status.template_hash if component is look.status.component else ""
        wanted = version(look.service, view, record.stable, before)
        if wanted.identity not in (record.rejected, _given_up(look, component)):
            return component, wanted
    return None


def begin(look: Look, component: Component, wanted: Version) -> Look:
    """Its rollout, from 0 %; stable is what was recorded before."""
    stable = look.status.components[component].stable
    replicas = look.service.revisions[stable].pods.ready
    return settled(look).to(
        Phase.HELD,
        f"a new version of the {component} is held at 0 %; {stable} keeps all of the traffic",
        **{
            **FORGOTTEN,
            "component": component,
            "stable_revision": stable,
            "canary_revision": wanted.revision,
            "template_hash": wanted.identity,
            "returning": wanted.returning,
            "stable_replicas": max(1, replicas),
            "started_at": look.now,
        },
    )


def _given_up(look: Look, component: Component) -> str:
    # Found no room: no bad version, but nothing to be tried at every look either.
    gave_up = look.status.phase is Phase.NO_CAPACITY and component is look.status.component
    return look.status.template_hash if gave_up else ""
