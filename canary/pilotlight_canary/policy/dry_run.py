"""Mode DryRun: say what would be done; nothing is written to the cluster."""

from pilotlight.api.rollout_status import Phase
from pilotlight_canary.policy.course import under_way
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.memory import remember
from pilotlight_canary.policy.start import begin, new_version


def dry_run(look: Look) -> Look:
    """The phase stays where it is: nothing that the next one needs would be there."""
    if under_way(look.status):
        phase, weight = look.status.phase, look.status.weight
        return look.stay(f"DryRun: left as it is in {phase} at {weight} %; its claims end soon")
    look = remember(look)
    found = new_version(look)
    if found is None:
        return look.to(Phase.IDLE, "DryRun: nothing is new", floors=())
    component, wanted = found
    would = begin(look, component, wanted).status
    name = wanted.revision or wanted.identity
    weights = ", ".join(f"{weight} %" for weight in look.weights)
    steps = f"steps of {weights}, then 100 %" if weights else "100 % at once"
    analysis = "no analysis" if wanted.returning else steps
    message = (
        f"DryRun: would hold {component} {name} at 0 % while {would.stable_revision} keeps the "
        f"traffic, bring it up, and go on with {analysis}"
    )
    if look.status.reason == message:
        return look
    return look.to(Phase.IDLE, message, floors=()).say("WouldRollOut", message, notify=True)
