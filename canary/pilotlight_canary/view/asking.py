"""Asking the controller for something, and seeing it taken."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pilotlight.api.rollout import InferenceRollout
from pilotlight.errors import OperationError
from pilotlight.kube.access import ApiServer
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import INFERENCE_ROLLOUT
from pilotlight_canary.observation import Action, Request
from pilotlight_canary.request import ANNOTATION, request_of, text_of
from pilotlight_canary.view.observer import controller, parse, read

POLL_S = 0.25


@dataclass(frozen=True)
class Answer:
    """What became of a request that was taken.

    Attributes:
        replaced: A request before, which nobody had carried out.
    """

    request: Request
    rollout: InferenceRollout
    replaced: Request | None


@dataclass(frozen=True)
class Desk:
    """Where requests are handed in.

    Attributes:
        now: The time, to tell how old the controller's lease is.
        monotonic: Seconds since any start.
        sleep: How to wait.
    """

    cluster: ApiServer
    now: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def ask(self, name: str, namespace: str, action: Action, by: str, timeout_s: float) -> Answer:
        """Ask for something, and wait until the controller has taken it.

        Raises:
            ClusterError: There is no such rollout, or it may not be changed.
            OperationError: The request is there, but nobody took it in time.
        """
        document = read(self.cluster, name, namespace)
        earlier = request_of(document)
        handled = parse(document).status.handled_request
        request = Request(str(uuid.uuid4()), action, by)
        reference = Reference(INFERENCE_ROLLOUT, name, namespace)
        self.cluster.patch(reference, {"metadata": {"annotations": {ANNOTATION: text_of(request)}}})
        rollout = self._taken(reference, request, timeout_s)
        replaced = earlier if earlier and earlier.id != handled else None
        return Answer(request, rollout, replaced)

    def _taken(self, reference: Reference, request: Request, timeout_s: float) -> InferenceRollout:
        deadline = self.monotonic() + timeout_s
        while True:
            rollout = parse(self.cluster.get(reference))
            if rollout.status.handled_request == request.id:
                return rollout
            if self.monotonic() >= deadline:
                raise OperationError(self._silence(reference, request, timeout_s))
            self.sleep(POLL_S)

    def _silence(self, reference: Reference, request: Request, timeout_s: float) -> str:
        seen = controller(self.cluster, self.now())
        said = f"`{request.action}` is written on {reference}, but nobody took it"
        if seen.alive is False:
            return (
                f"{said}: no controller runs ({seen.words}). It will be taken when one does: "
                "docs/rollouts.md says how to install it"
            )
        return (
            f"{said} within {timeout_s:g} s (the controller: {seen.words}). "
            f"Look on with: pilotlight rollout watch {reference.name} -n {reference.namespace}"
        )
