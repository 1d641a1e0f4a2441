"""From a wish to replicas: bounds, the way to zero (``reconciler/autoscaling/kpa/scaler.go``)."""

from dataclasses import dataclass

from pilotlight_autoscaler.kpa.decider import UNKNOWN
from pilotlight_autoscaler.kpa.settings import KpaSettings
from pilotlight_autoscaler.kpa.status import Activity, Status

ACTIVATION_BUFFER_S = 30.0
PROXY_REVISIT_S = 3.0
PROBE_REVISIT_S = 2.0
"""An asynchronous probe is tried each second, and a second after it the revision is seen again."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at a revision sees.

    Attributes:
        desired: The decider's wish; ``UNKNOWN`` without data.
        excess_burst_capacity: The decider's, too.
        ready_pods: Pods that are ready.
        replicas: Pods that the Deployment asks for.
        proxy: Whether the ServerlessService is in proxy mode by request.
        proxy_since_s: Since when the activator is in the way; ``None``: it is not.
        activator_answers: Whether a probe of the revision's address reaches the activator.
    """

    desired: int
    excess_burst_capacity: int
    ready_pods: int
    replicas: int
    proxy: bool = True
    proxy_since_s: float | None = None
    activator_answers: bool = True


@dataclass(frozen=True, slots=True)
class Want:
    """What shall be.

    Attributes:
        pods: Wanted; ``UNKNOWN``: leave it as it is.
        apply: Whether the Deployment is to be changed.
        again_at_s: When to look again if nothing happens before; ``None``: not needed.
    """

    pods: int
    apply: bool
    again_at_s: float | None = None


def bounds(settings: KpaSettings) -> tuple[int, int]:
    """Floor and ceiling; an unreachable revision has no floor, a ceiling of 0 is none."""
    return settings.min_scale if settings.reachable else 0, settings.max_scale


def within(least: int, most: int, pods: int) -> int:
    """The wish, moved into its bounds; the floor wins."""
    if pods < least:
        return least
    return most if most != 0 and pods > most else pods


def scale(settings: KpaSettings, status: Status, seen: Seen, now_s: float) -> Want:
    """What follows from a wish."""
    if seen.desired < 0 and status.activity is not Activity.ACTIVATING:
        return Want(seen.desired, apply=False)
    least, most = bounds(settings)
    if settings.initial_scale > 1 and not status.initialized and settings.reachable:
        least = max(settings.initial_scale, least)
    pods = within(least, most, seen.desired)
    if pods != 0:
        return Want(pods, apply=True)
    return to_zero(settings, status, seen, now_s)


def to_zero(settings: KpaSettings, status: Status, seen: Seen, now_s: float) -> Want:
    """The last pod goes after a time of inactivity, and behind the activator."""
    if not settings.enable_scale_to_zero:
        return Want(1, apply=True)
    if status.activity is Activity.ACTIVATING:
        return _while_activating(settings, status, now_s)
    if status.activity is Activity.ACTIVE:
        return _while_active(settings, status, seen, now_s)
    if settings.target_burst_capacity != -1 and not seen.activator_answers:
        return Want(0, apply=False, again_at_s=now_s + PROBE_REVISIT_S)
    return _while_inactive(settings, status, seen, now_s)


def _while_activating(settings: KpaSettings, status: Status, now_s: float) -> Want:
    timeout_s = settings.progress_deadline_s + ACTIVATION_BUFFER_S
    if now_s > status.since_s + timeout_s:
        return Want(0, apply=True)
    return Want(UNKNOWN, apply=False, again_at_s=now_s + timeout_s)


def _while_active(settings: KpaSettings, status: Status, seen: Seen, now_s: float) -> Want:
    """Active for a stable window at least, then inactive; one pod stays until then."""
    idle_at_s = status.since_s + settings.stable_window_s
    if now_s < idle_at_s:
        return Want(1, apply=True, again_at_s=idle_at_s)
    return Want(0, apply=False, again_at_s=now_s + PROXY_REVISIT_S if seen.proxy else None)


def _while_inactive(settings: KpaSettings, status: Status, seen: Seen, now_s: float) -> Want:
    retention_s = settings.scale_to_zero_pod_retention_period_s if settings.reachable else 0.0
    grace_s = settings.scale_to_zero_grace_period_s
    if now_s >= status.since_s + max(grace_s, retention_s):
        return Want(0, apply=True)
    if now_s < status.since_s + retention_s:
        return Want(0, apply=False, again_at_s=status.since_s + retention_s)
    proxied_at_s = grace_s + (now_s if seen.proxy_since_s is None else seen.proxy_since_s)
    if now_s >= proxied_at_s:
        return Want(0, apply=True)
    return Want(0, apply=False, again_at_s=proxied_at_s)
