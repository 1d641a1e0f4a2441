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
class HandedIn:
    """A request that is written on its rollout.

    Attributes:
        replaced: A request before, which nobody had carried out.
    """

    request: Request
    rollout: Reference
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

    def hand_in(self, name: str, namespace: str, action: Action, by: str) -> HandedIn:
        """Ask for something.

        Raises:
            ClusterError: There is no such rollout, or it may not be changed.
        """
        document = read(self.cluster, name, namespace)
        earlier = request_of(document)
        handled = parse(document).status.handled_request
        request = Request(str(uuid.uuid4()), action, by)
        reference = Reference(INFERENCE_ROLLOUT, name, namespace)
        self.cluster.patch(reference, {"metadata": {"annotations": {ANNOTATION: text_of(request)}}})
        return HandedIn(request, reference, earlier if earlier and earlier.id != handled else None)

    def taken(self, asked: HandedIn, timeout_s: float) -> InferenceRollout:
        """Wait until the controller has taken it; the rollout then.

        Raises:
            OperationError: It was refused, or nobody took it in time.
        """
        deadline = self.monotonic() + timeout_s
        while True:
            document = self.cluster.get(asked.rollout)
            rollout = parse(document)
            if rollout.status.handled_request == asked.request.id:
                _refuse(rollout, asked.request)
                return rollout
            newer = request_of(document)
            if newer is not None and newer.id != asked.request.id:
                raise OperationError(f"{newer.by or 'somebody'} asked for `{newer.action}` since")
            if self.monotonic() >= deadline:
                raise OperationError(self._silence(asked.rollout, asked.request, timeout_s))
            self.sleep(POLL_S)

    def _silence(self, reference: Reference, request: Request, timeout_s: float) -> str:
        seen = controller(self.cluster, self.now())
        said = f"`{request.action}` is written on {reference}, but nobody took it"
        if seen.alive is False:
            return (
                f"{said}: no controller runs ({seen.words}). It will be taken when one does: "
                "kubectl apply -k manifests/controller (docs/gitops.md)"
            )
        return (
            f"{said} within {timeout_s:g} s (the controller: {seen.words}). "
            f"Look on with: pilotlight rollout watch {reference.name} -n {reference.namespace}"
        )


def _refuse(rollout: InferenceRollout, request: Request) -> None:
    status = rollout.status
    if status.refusal:
        raise OperationError(
            f"`{request.action}` was refused: {status.refusal} (now {status.phase}, "
            f"{status.weight} %)"
        )
