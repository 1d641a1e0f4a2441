"""Makes the cluster as a decision wants it: writes what differs, in an order that is safe.

First what gives capacity and addresses, then the traffic, then what takes them away. A step that
fails keeps only those back that need it: the traffic is written although a floor could not be.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from pilotlight.api.meta import Mode
from pilotlight.api.rollout import InferenceRollout
from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import ClusterError, NotInCluster
from pilotlight.floors.arbiter import Arbiter
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference, reference_to
from pilotlight.kube.kinds import INFERENCE_SERVICE, REVISION, ROUTE
from pilotlight_canary.decision import Desired
from pilotlight_canary.kserve import routes
from pilotlight_canary.kserve.names import NO_GC
from pilotlight_canary.kserve.template import Templates, is_quiet, template_of
from pilotlight_canary.kserve.traffic import TemplateUnknown, Traffic
from pilotlight_canary.kserve.unblock import unblock
from pilotlight_canary.observation import Service


class Attempts:
    """Steps of which each may fail without keeping the next one back."""

    def __init__(self) -> None:
        self._failed: list[ClusterError] = []

    @contextmanager
    def one(self) -> Iterator[None]:
        try:
            yield
        except ClusterError as error:
            self.note(error)

    def note(self, error: ClusterError) -> None:
        """A step has failed on which no other depends."""
        self._failed.append(error)

    def conclude(self) -> None:
        """Raise what failed first, if anything did; the others are notes on it."""
        if self._failed:
            first, *others = self._failed
            for other in others:
                first.add_note(str(other))
            raise first


class Actor:
    """Carries decisions out.

    Args:
        cluster: Where.
        clock: Tells which claims have expired.
    """

    def __init__(self, cluster: Cluster, clock: Clock | None = None) -> None:
        self._cluster = cluster
        self._clock = clock or SystemClock()
        self._arbiter = Arbiter(cluster, self._clock)
        self._traffic = Traffic(cluster)
        self._known_templates: dict[str, frozenset[str]] = {}

    def carry_out(
        self, rollout: InferenceRollout, service: Service | None, desired: Desired
    ) -> None:
        """Make the cluster as ``desired``; floors as the rollouts' stored statuses claim them.

        Args:
            rollout: As it is stored, with the status that belongs to ``desired``.
            service: As it was observed for the decision; ``None``: there is none any more.
            desired: An empty one takes back all that was done but the split.

        Raises:
            Conflict: The InferenceService has changed since it was observed: look again.
            ClusterError: A write failed; whatever did not depend on it is done.
            TemplateUnknown: A template is to be restored that nobody has seen.
        """
        if rollout.spec.mode is Mode.DRY_RUN:
            return
        attempts = Attempts()
        namespace = rollout.metadata.namespace
        present: Sequence[Document] = ()
        settlement = None
        with attempts.one():
            settlement = self._arbiter.look(namespace)
            settlement.raise_floors()
        with attempts.one():
            present = self._cluster.list(ROUTE, namespace, labels=routes.selector(rollout))
            self._point(rollout, present, desired)
        if service is not None:
            with attempts.one():
                self._remember(rollout, service)
            with attempts.one():
                self._keep(service, desired)
            try:
                self._traffic.write(rollout, service, desired)
            except TemplateUnknown as error:
                attempts.note(error)
            with attempts.one():
                unblock(self._cluster, service, desired)
        with attempts.one():
            self._drop(present, desired)
        if settlement is not None:
            with attempts.one():
                settlement.lower_floors()
        if service is not None:
            with attempts.one():
                self._release(service, desired)
        attempts.conclude()

    def _point(
        self, rollout: InferenceRollout, present: Sequence[Document], desired: Desired
    ) -> None:
        now = {role: route.revision for role, route in routes.own_routes(present).items()}
        for role, revision in desired.routes.items():
            if now.get(role) != revision:
                self._cluster.apply(routes.route(rollout, role, revision), force=True)

    def _drop(self, present: Sequence[Document], desired: Desired) -> None:
        for route in present:
            role = routes.role_of(route)
            if role is None or role not in desired.routes:
                self._cluster.delete(reference_to(route))

    def _keep(self, service: Service, desired: Desired) -> None:
        for name in desired.kept:
            revision = service.revisions.get(name)
            if revision is not None and not revision.kept:
                self._mark(service, name, "true")

    def _release(self, service: Service, desired: Desired) -> None:
        for name, revision in service.revisions.items():
            if revision.kept and name not in desired.kept:
                self._mark(service, name, None)

    def _mark(self, service: Service, revision: str, value: str | None) -> None:
        try:
            self._cluster.patch(
                Reference(REVISION, revision, service.namespace),
                {"metadata": {"annotations": {NO_GC: value}}},
            )
        except NotInCluster:
            return

    def _remember(self, rollout: InferenceRollout, service: Service) -> None:
        """Write down what the service says, as long as it is what its latest revisions are of."""
        uid = rollout.metadata.uid
        latest = {
            view.latest_created: component
            for component, view in service.components.items()
            if view.latest_created in service.revisions
        }
        if not service.settled or latest.keys() <= self._known_templates.get(uid, frozenset()):
            return
        templates = Templates(self._cluster, rollout)
        known = self._known_templates[uid] = templates.revisions()
        if latest.keys() <= known:
            return
        document = self._cluster.get(Reference(INFERENCE_SERVICE, service.name, service.namespace))
        now = datetime.fromtimestamp(self._clock.time(), UTC)
        same = document["metadata"]["resourceVersion"] == service.resource_version
        if not same or not is_quiet(document, now):
            return
        new = {
            revision: template_of(document, component)
            for revision, component in latest.items()
            if revision not in known
        }
        views = service.components.values()
        keep = {name for view in views for name in (view.rolled_out, view.previous)}
        status = rollout.status
        templates.save(new, keep | set(latest) | {status.stable_revision, status.canary_revision})
        self._known_templates[uid] = frozenset(known & keep) | frozenset(latest)
