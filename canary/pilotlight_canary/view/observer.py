"""Looks at a rollout and at what is around it."""

import getpass
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pydantic import ValidationError

from pilotlight.api.present import all_of, one_of
from pilotlight.api.rollout import InferenceRollout
from pilotlight.errors import AccessDenied, ClusterError
from pilotlight.kube.access import ApiServer
from pilotlight.kube.document import Document, Reference, condition
from pilotlight.kube.kinds import EVENT, INFERENCE_ROLLOUT, INFERENCE_SERVICE, LEASE, POD
from pilotlight_canary.view.seen import ControllerSeen, EventSeen, PodSeen, Seen

LEASE_NAME = "pilotlight-rollout-controller"
REVISION_LABEL = "serving.knative.dev/revision"
LAST_EVENTS = 50
T = TypeVar("T")


def user() -> str:
    """Who asks, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def parse(document: Document) -> InferenceRollout:
    """An InferenceRollout as the cluster has it.

    Raises:
        ClusterError: It has fields that this version does not know.
    """
    try:
        return InferenceRollout.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ClusterError(
            f"InferenceRollout {document['metadata']['name']} has something that this version of "
            f"pilotlight does not know ({where}: {first['msg']}): is the cluster's another one?"
        ) from error


def read(cluster: ApiServer, name: str, namespace: str) -> Document:
    """A rollout's document.

    Raises:
        NotInCluster: There is none; the message names those that there are.
    """
    listing = "pilotlight rollout list -A"
    return one_of(cluster, INFERENCE_ROLLOUT, name, namespace, listing)


def rollouts(cluster: ApiServer, namespace: str | None) -> list[Document]:
    """All rollouts of a namespace, or of all."""
    return all_of(cluster, INFERENCE_ROLLOUT, namespace)


class Observer:
    """Looks at one rollout again and again.

    What may be missing or forbidden (events, pods, the lease) is a note, not an error.

    Args:
        now: The time, for ages.
    """

    def __init__(
        self, cluster: ApiServer, name: str, namespace: str, now: Callable[[], datetime]
    ) -> None:
        self._cluster = cluster
        self._name = name
        self._namespace = namespace
        self._now = now
        self._notes: dict[str, str] = {}

    def look(self) -> Seen:
        """The rollout as it is now.

        Raises:
            ClusterError: The rollout itself cannot be seen.
        """
        rollout = parse(read(self._cluster, self._name, self._namespace))
        self._notes.clear()
        target = rollout.spec.target_ref.name
        return Seen(
            rollout=rollout,
            at=self._now(),
            traffic=self._try("traffic", lambda: self._traffic(target), {}),
            pods=self._try("pods", lambda: self._pods(rollout), ()),
            events=self._try("events", lambda: self._events(rollout), ()),
            controller=controller(self._cluster, self._now()),
            notes=tuple(self._notes.values()),
        )

    def _try(self, what: str, ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except AccessDenied:
            self._notes[what] = f"no permission to see {what}"
        except ClusterError as error:
            self._notes[what] = f"no {what}: {error}"
        return otherwise

    def _traffic(self, target: str) -> dict[str, int]:
        reference = Reference(INFERENCE_SERVICE, target, self._namespace)
        status: dict[str, Any] = self._cluster.get(reference).get("status") or {}
        traffic: dict[str, int] = {}
        for component in (status.get("components") or {}).values():
            for entry in component.get("traffic") or []:
                revision = entry.get("revisionName") or ""
                traffic[revision] = traffic.get(revision, 0) + int(entry.get("percent") or 0)
        return traffic

    def _pods(self, rollout: InferenceRollout) -> tuple[PodSeen, ...]:
        status = rollout.status
        serving = {record.stable for record in status.components.values()}
        revisions = (serving | {status.stable_revision, status.canary_revision}) - {""}
        if not revisions:
            return ()
        labels = f"{REVISION_LABEL} in ({','.join(sorted(revisions))})"
        found = self._cluster.list(POD, self._namespace, labels=labels)
        return tuple(sorted(map(pod_seen, found), key=lambda pod: (pod.revision, pod.created_at)))

    def _events(self, rollout: InferenceRollout) -> tuple[EventSeen, ...]:
        fields = f"involvedObject.kind=InferenceRollout,involvedObject.name={self._name}"
        found = self._cluster.list(EVENT, self._namespace, fields=fields)
        mine = [e for e in found if e["involvedObject"].get("uid", "") == rollout.metadata.uid]
        return tuple(sorted(map(event_seen, mine), key=lambda e: e.at)[-LAST_EVENTS:])


def pod_seen(pod: Document) -> PodSeen:
    """A pod in the words of the person who waits for it."""
    status: dict[str, Any] = pod.get("status") or {}
    containers = status.get("containerStatuses") or []
    is_ready = condition(pod, "Ready")
    ready = bool(is_ready and is_ready.is_true)
    return PodSeen(
        name=pod["metadata"]["name"],
        revision=pod["metadata"]["labels"][REVISION_LABEL],
        state=_state(pod, containers, ready),
        ready=ready and "deletionTimestamp" not in pod["metadata"],
        restarts=sum(int(entry.get("restartCount") or 0) for entry in containers),
        created_at=datetime.fromisoformat(pod["metadata"]["creationTimestamp"]),
    )


def _state(pod: Document, containers: list[dict[str, Any]], ready: bool) -> str:
    if pod["metadata"].get("deletionTimestamp"):
        return "stopping"
    scheduled = condition(pod, "PodScheduled")
    if scheduled and scheduled.is_false:
        return f"no room: {scheduled.message}"
    states = [entry.get("state") or {} for entry in containers]
    waiting = [state["waiting"].get("reason") or "" for state in states if "waiting" in state]
    failing = [reason for reason in waiting if reason not in ("", "ContainerCreating")]
    if failing:
        return failing[0]
    if waiting or not containers:
        return "container starts"
    return "ready" if ready else "model loads"


def event_seen(event: Document) -> EventSeen:
    """An event, whichever of its times is set."""
    at = (
        event.get("lastTimestamp")
        or (event.get("series") or {}).get("lastObservedTime")
        or event.get("eventTime")
        or event.get("firstTimestamp")
        or event["metadata"]["creationTimestamp"]
    )
    return EventSeen(
        at=datetime.fromisoformat(at),
        reason=event.get("reason") or "",
        message=event.get("message") or "",
        warning=event.get("type") == "Warning",
    )


def controller(cluster: ApiServer, now: datetime) -> ControllerSeen:
    """Whether a controller leads, by the Lease that it renews."""
    try:
        leases = cluster.list(LEASE, fields=f"metadata.name={LEASE_NAME}")
    except ClusterError:
        return ControllerSeen(None, "its lease cannot be seen")
    if not leases:
        return ControllerSeen(False, "none has ever run: its lease does not exist")
    spec: dict[str, Any] = max((_spec(lease) for lease in leases), key=_renewed)
    holder, renewed = spec.get("holderIdentity") or "", _renewed(spec)
    age = now - renewed
    if not holder:
        return ControllerSeen(False, "it was stopped, and nobody took over")
    # The machines' clocks may differ: be late rather than wrong.
    if age > timedelta(seconds=2 * int(spec.get("leaseDurationSeconds") or 15)):
        seconds = int(age.total_seconds())
        return ControllerSeen(False, f"{holder} has not renewed its lease for {seconds} s")
    return ControllerSeen(True, holder)


def _spec(lease: Document) -> dict[str, Any]:
    return lease.get("spec") or {}


def _renewed(spec: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(spec.get("renewTime") or "1970-01-01T00:00:00Z").astimezone(UTC)
