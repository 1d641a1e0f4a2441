"""Looks at the API server: a handful of lists for all the warm pools of a namespace together."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import AccessDenied, NotInCluster
from pilotlight.kserve.mode import KNATIVE, mode_of
from pilotlight.kserve.names import SERVICE as OF_SERVICE
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Kind, Reference
from pilotlight.kube.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    INFERENCE_ROLLOUT,
    INFERENCE_SERVICE,
    POD,
    REVISION,
    ROUTE,
    SCALED_OBJECT,
)
from pilotlight_autoscaler.kserve.concurrency import target_of
from pilotlight_autoscaler.kserve.gpus import gpus_of
from pilotlight_autoscaler.kserve.knative import revisions_of
from pilotlight_autoscaler.kserve.places import place_of
from pilotlight_autoscaler.kserve.pods import by_version, replica
from pilotlight_autoscaler.kserve.rollout import rollout_of
from pilotlight_autoscaler.kserve.sleep import sleep_levels
from pilotlight_autoscaler.kserve.standard import deployed, lever_of
from pilotlight_autoscaler.metrics.subject import Subject
from pilotlight_autoscaler.observation import PREDICTOR, Lever, Revision, Rollout, Service

AUTOSCALER = Reference(CONFIG_MAP, "config-autoscaler", "knative-serving")
DEPLOYMENTS = Reference(CONFIG_MAP, "config-deployment", "knative-serving")
ALWAYS_SCHEDULABLE = "pod-is-always-schedulable"
TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
SETTINGS_FRESH_S = 60.0


@dataclass(frozen=True)
class Seen:
    """An InferenceService and what belongs to it.

    Args:
        service: As policies see it.
        subject: Whose figures are to be asked for.
        gpus_per_replica: Of the predictor.
        rollout: That is under way.
    """

    service: Service
    subject: Subject
    gpus_per_replica: int = 0
    rollout: Rollout | None = None


@dataclass(frozen=True)
class _Settings:
    """Knative's own, for all of the cluster."""

    autoscaler: Mapping[str, str]
    floor_needs_room: bool


@dataclass(frozen=True)
class _Parts:
    """What is in a namespace, as far as InferenceServices go."""

    pods: Mapping[str, Sequence[Document]] = field(default_factory=dict)
    rollouts: Sequence[Document] = ()
    revisions: Sequence[Document] = ()
    routes: Sequence[Document] = ()
    deployments: Sequence[Document] = ()
    scaled_objects: Sequence[Document] = ()


class Observer:
    """Sees the surroundings of warm pools.

    Args:
        cluster: Where they are; all methods raise ``ClusterError`` where it cannot be asked.
        clock: Tells when Knative's settings are to be read again.
    """

    def __init__(self, cluster: Cluster, clock: Clock | None = None) -> None:
        self._cluster = cluster
        self._clock = clock or SystemClock()
        self._settings: tuple[float, _Settings] | None = None

    def look(self, namespace: str, names: Collection[str]) -> Mapping[str, Seen]:
        """The InferenceServices of these names; one that is not there, or leaves, is absent."""
        found = {
            name: document
            for document in self._cluster.list(INFERENCE_SERVICE, namespace)
            if (name := document["metadata"]["name"]) in names
            and not document["metadata"].get("deletionTimestamp")
        }
        if not found:
            return {}
        modes = {name: mode_of(self._cluster, document) for name, document in found.items()}
        parts = self._parts(namespace, frozenset(modes.values()))
        return {
            name: self._knative(document, parts)
            if modes[name] == KNATIVE
            else _standard(document, parts)
            for name, document in found.items()
        }

    def _parts(self, namespace: str, modes: Collection[str]) -> _Parts:
        found = _Parts(
            pods=by_version(self._of_services(POD, namespace)),
            rollouts=self._if_served(INFERENCE_ROLLOUT, namespace),
        )
        has_knative, has_others = KNATIVE in modes, bool(set(modes) - {KNATIVE})
        return _Parts(
            pods=found.pods,
            rollouts=found.rollouts,
            revisions=self._of_services(REVISION, namespace) if has_knative else (),
            routes=self._of_services(ROUTE, namespace) if has_knative else (),
            deployments=self._of_services(DEPLOYMENT, namespace) if has_others else (),
            scaled_objects=self._if_served(SCALED_OBJECT, namespace) if has_others else (),
        )

    def _of_services(self, kind: Kind, namespace: str) -> Sequence[Document]:
        return self._cluster.list(kind, namespace, labels=OF_SERVICE)

    def _if_served(self, kind: Kind, namespace: str) -> Sequence[Document]:
        return self._cluster.list(kind, namespace) if self._cluster.serves(kind) else ()

    def _knative(self, document: Document, parts: _Parts) -> Seen:
        metadata, settings = document["metadata"], self._knative_settings()
        name, namespace = metadata["name"], metadata["namespace"]
        found = revisions_of(name, parts.revisions, parts.routes, parts.pods)
        predictors = [pair for pair in found.values() if pair[0].component == PREDICTOR]
        main = max(predictors, key=lambda pair: (pair[0].percent, pair[0].name), default=None)
        return Seen(
            service=Service(
                name=name,
                namespace=namespace,
                lever=Lever.KNATIVE,
                revisions=tuple(revision for revision, _ in found.values()),
                target_concurrency=None
                if main is None
                else target_of(main[1], settings.autoscaler),
                sleep_levels=frozenset() if main is None else sleep_levels(main[1]["spec"]),
                floor_needs_room=settings.floor_needs_room,
            ),
            subject=_subject(document, [revision for revision, _ in predictors], parts, KNATIVE),
            gpus_per_replica=max((gpus_of(one["spec"]) for _, one in predictors), default=0),
            rollout=rollout_of(name, parts.rollouts),
        )

    def _knative_settings(self) -> _Settings:
        now = self._clock.monotonic()
        if self._settings is None or now - self._settings[0] >= SETTINGS_FRESH_S:
            schedulable = self._data(DEPLOYMENTS)
            read = _Settings(
                self._data(AUTOSCALER) or {},
                schedulable is not None and schedulable.get(ALWAYS_SCHEDULABLE) not in TRUE,
            )
            self._settings = (now, read)
        return self._settings[1]

    def _data(self, reference: Reference) -> Mapping[str, str] | None:
        """``None``: it may not be read, or is not there."""
        try:
            found: Mapping[str, str] = self._cluster.get(reference).get("data") or {}
        except (NotInCluster, AccessDenied):
            return None
        return found


def _standard(document: Document, parts: _Parts) -> Seen:
    metadata = document["metadata"]
    place = place_of(document, parts.scaled_objects)
    found = deployed(document, place, parts.deployments, parts.pods)
    revisions = () if found is None else (found[0],)
    predictor = document["spec"].get(PREDICTOR) or {}
    limit = predictor.get("containerConcurrency")
    spec = {} if found is None else found[1]["spec"]["template"]["spec"]
    return Seen(
        service=Service(
            name=metadata["name"],
            namespace=metadata["namespace"],
            lever=lever_of(place),
            revisions=revisions,
            target_concurrency=float(limit) if limit else None,
            sleep_levels=sleep_levels(spec),
        ),
        subject=_subject(document, revisions, parts, ""),
        gpus_per_replica=gpus_of(spec),
    )


def _subject(
    document: Document, revisions: Sequence[Revision], parts: _Parts, mode: str
) -> Subject:
    metadata = document["metadata"]
    names = tuple(revision.name for revision in revisions)
    pods = [replica(pod) for name in names for pod in parts.pods.get(name, ())]
    return Subject(
        namespace=metadata["namespace"],
        service=metadata["name"],
        revisions=names if mode == KNATIVE else (),
        pods=tuple(pods),
        held=any(revision.floor and revision.percent for revision in revisions),
    )
