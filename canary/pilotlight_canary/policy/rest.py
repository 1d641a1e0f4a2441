"""Nothing is rolled out: wait for a new version."""

from pilotlight.api.rollout_status import Phase
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.memory import recorded
from pilotlight_canary.policy.start import begin, new_version


def rest(look: Look) -> Look:
    """Begin the rollout of a new version, if there is one."""
    found = new_version(look)
    if found is None or look.spec.suspend:
        return _waiting(look, pending=found is not None)
    component, wanted = found
    look = begin(look, component, wanted)
    kind = "stable's own template again" if wanted.returning else "a new version"
    message = (
        f"{component} {wanted.revision or wanted.identity} is {kind}: held at 0 %, while "
        f"{look.status.stable_revision} keeps all of the traffic"
    )
    return look.say("NewVersion", message, notify=True)


def _waiting(look: Look, *, pending: bool) -> Look:
    if pending:
        return look.stay("a new version waits: the rollout is suspended (spec.suspend)")
    if look.status.phase is not Phase.IDLE:
        return _as_it_was(look)
    stable = {one.stable for one in look.status.components.values() if one.stable}
    if not stable:
        return look.stay("waits until KServe has rolled out a first version")
    return look.stay(f"{' and '.join(sorted(stable))} has all of the traffic: nothing is new")


def _as_it_was(look: Look) -> Look:
    # What was taken back is gone from the spec: the next time somebody asks for it, he means it.
    if look.status.phase is not Phase.SUCCEEDED:
        return look
    for component, record in look.status.components.items():
        if record.rejected and component is look.status.component:
            look = recorded(look, component, rejected="")
    return look
