"""Whose figures are wanted."""

from dataclasses import dataclass

from pilotlight_autoscaler.observation import PREDICTOR


@dataclass(frozen=True)
class Pod:
    """One replica.

    Args:
        name: Of the pod.
        revision: That it is of; empty where there are no revisions.
        address: Its IP, in brackets if it is one of version 6; empty while it has none.
        ready: Whether it gets requests: then it must tell its figures.
        port: Where its server tells them.
        path: And under which.
        waited_s: From the pod's creation until its server's container ran: scheduling, image and
            model downloads; ``None``: it does not run yet, or not for the first time.
        started_s: From the pod's creation until it was ready; ``None``: not known.
    """

    name: str
    revision: str = ""
    address: str = ""
    ready: bool = False
    port: int = 8080
    path: str = "/metrics"
    waited_s: float | None = None
    started_s: float | None = None


@dataclass(frozen=True)
class Subject:
    """One component of an InferenceService.

    Args:
        namespace: Where it is.
        service: Name of the InferenceService.
        component: Its metrics begin with ``pilotlight_COMPONENT_``.
        revisions: Knative's, those that carry traffic or may again; none in Standard mode.
        pods: That there are now.
        held: Whether a floor keeps replicas warm: then one that starts was not woken by requests.
    """

    namespace: str
    service: str
    component: str = PREDICTOR
    revisions: tuple[str, ...] = ()
    pods: tuple[Pod, ...] = ()
    held: bool = False

    @property
    def prefix(self) -> str:
        """With what the names of its own metrics begin."""
        return f"pilotlight_{self.component}_"

    @property
    def ready(self) -> tuple[Pod, ...]:
        """Replicas that get requests."""
        return tuple(pod for pod in self.pods if pod.ready)
