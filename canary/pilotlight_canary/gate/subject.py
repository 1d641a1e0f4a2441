"""Which rollout is looked at, and where its two versions answer."""

from dataclasses import dataclass

from pilotlight.api.rollout import InferenceRollout, RolloutPolicy
from pilotlight_canary.gate.address import Address


@dataclass(frozen=True)
class Subject:
    """A rollout, with all that a warm-up or a gate needs of it."""

    rollout: str
    namespace: str
    policy: RolloutPolicy
    stable: Address
    canary: Address
    uid: str = ""
    """Of the InferenceRollout, which owns the reports; without it nobody does."""
    stable_revision: str = ""
    canary_revision: str = ""
    pods: int = 1
    """Of the canary, that are to be warmed."""


def subject_of(rollout: InferenceRollout, *, gateway: str = "", pods: int = 1) -> Subject:
    """The subject that a resource and its status describe.

    Args:
        rollout: With the addresses of our Routes in its status.
        gateway: Address of the cluster's internal gateway, for a process outside the cluster.
        pods: Of the canary, that are ready.
    """
    status = rollout.status
    return Subject(
        rollout=rollout.metadata.name,
        namespace=rollout.metadata.namespace,
        policy=rollout.spec,
        stable=Address.through(gateway, status.addresses.stable),
        canary=Address.through(gateway, status.addresses.canary),
        uid=rollout.metadata.uid,
        stable_revision=status.stable_revision,
        canary_revision=status.canary_revision,
        pods=pods,
    )
