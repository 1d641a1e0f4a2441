"""One look of the controller that sets replicas (``reconciler/autoscaling/kpa/kpa.go``)."""

from dataclasses import dataclass

from pilotlight_autoscaler.kpa.decider import Decider
from pilotlight_autoscaler.kpa.scaler import Seen, Want, scale
from pilotlight_autoscaler.kpa.serverless_service import ServerlessService
from pilotlight_autoscaler.kpa.settings import KpaSettings
from pilotlight_autoscaler.kpa.status import Status, updated

MOST_LOOKS = 10
"""Each look can bring about another; three are the most that were ever needed."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The outcome of a look.

    Attributes:
        want: Pods wanted, or ``decider.UNKNOWN``.
        replicas: What the Deployment shall ask for from now on.
        again_at_s: When to look again if nothing happens before; ``None``: not needed.
    """

    want: int
    replicas: int
    again_at_s: float | None


class PodAutoscaler:
    """The controller's memory of one revision.

    A look is due when the decider tells of a change, when a pod changes, when the settings do,
    and at ``again_at_s``. What a look itself changes brings the next one at once.

    Args:
        now_s: When the revision is made, in seconds. Its Deployment begins with
            ``initial_scale`` replicas.
    """

    def __init__(self, now_s: float) -> None:
        self.status = Status.new(now_s)
        self.service = ServerlessService(now_s)

    def reconcile(
        self,
        now_s: float,
        settings: KpaSettings,
        decider: Decider,
        ready_pods: int,
        replicas: int,
        activator_answers: bool = True,
    ) -> Reconciled:
        """Look until nothing changes any more.

        Args:
            now_s: In seconds.
            settings: As they are now: a floor may have changed.
            decider: Of the revision.
            ready_pods: Pods that are ready now.
            replicas: What the Deployment asks for.
            activator_answers: Whether the network leads to the activator already.
        """
        for _ in range(MOST_LOOKS):
            before = (self.status, self.service.proxy_since_s, self.service.proxy, replicas)
            want = self._look(now_s, settings, decider, ready_pods, replicas, activator_answers)
            replicas = want.pods if want.apply else replicas
            after = (self.status, self.service.proxy_since_s, self.service.proxy, replicas)
            if before == after:
                break
        return Reconciled(want.pods, replicas, want.again_at_s)

    def _look(
        self,
        now_s: float,
        settings: KpaSettings,
        decider: Decider,
        ready_pods: int,
        replicas: int,
        activator_answers: bool,
    ) -> Want:
        self.service.update(now_s, self.service.proxy, ready_pods)
        seen = Seen(
            decider.desired,
            decider.excess_burst_capacity,
            ready_pods,
            replicas,
            self.service.proxy,
            self.service.proxy_since_s,
            activator_answers,
        )
        want = scale(settings, self.status, seen, now_s)
        serve = want.pods > 0 and seen.excess_burst_capacity >= 0
        self.service.update(now_s, not serve, ready_pods)
        self.status = updated(settings, self.status, want.pods, ready_pods, now_s)
        return want
