"""Whether requests pass the activator (``reconciler/serverlessservice/serverlessservice.go``)."""

import math


class ServerlessService:
    """The way of a revision's requests.

    Args:
        now_s: When it is made, in seconds; without ready pods the activator is in the way.

    Attributes:
        proxy: The mode that the pod autoscaler asked for.
        proxy_since_s: Since when the activator is in the way, in whole seconds as Kubernetes
            stores them; ``None``: it is not.
    """

    __slots__ = ("proxy", "proxy_since_s")

    def __init__(self, now_s: float) -> None:
        self.proxy = True
        self.proxy_since_s: float | None = float(math.floor(now_s))

    @property
    def through_activator(self) -> bool:
        """Whether requests go to the activator, not to the pods."""
        return self.proxy_since_s is not None

    def update(self, now_s: float, proxy: bool, ready_pods: int) -> bool:
        """Follow the mode that is wanted and the pods that are ready; whether the way changed."""
        self.proxy = proxy
        through = proxy or ready_pods == 0
        changed = through != self.through_activator
        if changed:
            self.proxy_since_s = float(math.floor(now_s)) if through else None
        return changed
