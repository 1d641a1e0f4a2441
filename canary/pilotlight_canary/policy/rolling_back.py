"""All of the traffic back to stable, until the gateway has done it."""

from pilotlight.api.rollout_status import Phase
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.outcome import finished


def rolling_back(look: Look) -> Look:
    """Wait until stable has everything; then it has been taken back, or given up."""
    status = look.status
    if look.view.traffic.get(status.stable_revision, 0) != 100:
        return look
    is_to_blame = look.record.rejected == status.template_hash
    outcome = Phase.ROLLED_BACK if is_to_blame else Phase.NO_CAPACITY
    name = status.canary_revision or status.template_hash
    message = f"{status.stable_revision} has all of the traffic, {name} has none: {status.reason}"
    return finished(look, outcome, status.reason, announced="RolledBack", message=message)
