"""Which phases there are on a rollout's way, and what holds in them."""

from pilotlight.api.rollout_status import InferenceRolloutStatus, Phase

BEFORE_TRAFFIC = frozenset({Phase.HELD, Phase.NO_CAPACITY, Phase.WARMING, Phase.GATING})
STEPPING = frozenset({Phase.PROGRESSING, Phase.PAUSED})
UNDECIDED = BEFORE_TRAFFIC | STEPPING | {Phase.PROMOTING}
"""The canary has not got all of the traffic, and has not been taken back."""
ENDED = frozenset({Phase.IDLE, Phase.SUCCEEDED, Phase.ROLLED_BACK})


def undecided(status: InferenceRolloutStatus) -> bool:
    """A new version is on its way."""
    return status.phase in UNDECIDED and not ended(status)


def ended(status: InferenceRolloutStatus) -> bool:
    """Nothing is being rolled out; a rollout that found no room waits for ``retry``."""
    gave_up = status.phase is Phase.NO_CAPACITY and status.waiting_since is None
    return status.phase in ENDED or gave_up


def under_way(status: InferenceRolloutStatus) -> bool:
    """From the first hold until the outcome is certain."""
    return not ended(status)
