"""Tells people what a look came to: log, Events, metrics, timeline, chat."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from pilotlight.announcement import Announcement, Severity
from pilotlight.api.rollout_status import PastRollout
from pilotlight.clock import Clock
from pilotlight.controller.events import Recorder
from pilotlight.errors import ManifestError, PilotlightError
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import INFERENCE_ROLLOUT
from pilotlight_canary.controller.course_book import write_course
from pilotlight_canary.controller.doorbell import Key
from pilotlight_canary.controller.gauges import Gauges
from pilotlight_canary.controller.look import Outcome
from pilotlight_canary.controller.notifications import Notifier

logger = logging.getLogger(__name__)

LEVELS = {Severity.NORMAL: logging.INFO, Severity.WARNING: logging.WARNING}


@dataclass(frozen=True)
class Publisher:
    """Nothing that fails here holds a rollout up.

    Args:
        cluster: For the timeline's ConfigMap.
        recorder: Events.
        gauges: Metrics.
        notifier: Chat.
        clock: Time of the timeline's points.
    """

    cluster: Cluster
    recorder: Recorder
    gauges: Gauges
    notifier: Notifier
    clock: Clock

    def publish(self, outcome: Outcome) -> None:
        """All but the chat; blocking."""
        rollout = outcome.rollout
        self.gauges.show(rollout, self.clock.time())
        for past in _added(outcome):
            self.gauges.ended(
                rollout.metadata.namespace, past.outcome, past.started_at, past.ended_at
            )
        for announcement in outcome.decision.announcements:
            self._log(outcome, announcement)
            self.gauges.announced(rollout, announcement)
        if outcome.is_dry:
            return
        for announcement in outcome.decision.announcements:
            self._record(outcome.stored.document, announcement)
        if rollout.status.started_at is not None:
            self._write_course(outcome)

    def notify(self, outcome: Outcome) -> None:
        """The chat; in the background."""
        for announcement in outcome.decision.announcements:
            if announcement.notify and not outcome.is_dry:
                self.notifier.send(outcome.rollout, announcement)

    def complain(self, key: Key, error: PilotlightError) -> None:
        """Say on the rollout itself that it cannot be looked after; blocking."""
        reason = "InvalidSpec" if isinstance(error, ManifestError) else "LookFailed"
        try:
            document = self.cluster.get(Reference(INFERENCE_ROLLOUT, key[1], key[0]))
        except PilotlightError:
            return
        self._record(document, Announcement(reason, str(error), Severity.WARNING))

    def looked(self, key: Key, outcome: str) -> None:
        """A look has ended: decided, conflict or failed."""
        self.gauges.looks.labels(*key, outcome).inc()

    def took(self, seconds: float) -> None:
        """So long took a look."""
        self.gauges.look_seconds.observe(seconds)

    def _log(self, outcome: Outcome, announcement: Announcement) -> None:
        metadata, status = outcome.rollout.metadata, outcome.rollout.status
        extra = {
            "namespace": metadata.namespace,
            "rollout": metadata.name,
            "reason": announcement.reason,
            "phase": status.phase.value,
            "weight": status.weight,
            "canary": status.canary_revision,
            "dry_run": outcome.is_dry,
        }
        logger.log(LEVELS[announcement.severity], announcement.message, extra=extra)

    def _record(self, document: Document, announcement: Announcement) -> None:
        try:
            self.recorder.record(document, announcement)
        except PilotlightError as error:
            logger.warning("no event %s: %s", announcement.reason, error)

    def _write_course(self, outcome: Outcome) -> None:
        at = datetime.fromtimestamp(self.clock.time(), UTC)
        try:
            write_course(self.cluster, outcome.stored, at)
        except PilotlightError as error:
            metadata = outcome.rollout.metadata
            logger.warning("no timeline of %s/%s: %s", metadata.namespace, metadata.name, error)


def _added(outcome: Outcome) -> list[PastRollout]:
    """Rollouts that ended with this look."""
    known = set(outcome.before.history)
    return [past for past in outcome.rollout.status.history if past not in known]
