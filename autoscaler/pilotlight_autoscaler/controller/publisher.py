"""Tells people what a look came to: log, Events, metrics."""

import logging
from dataclasses import dataclass, field

from pilotlight.announcement import Announcement, Severity
from pilotlight.controller.events import Recorder
from pilotlight.errors import PilotlightError
from pilotlight.kube.document import Document
from pilotlight_autoscaler.controller.gauges import Gauges
from pilotlight_autoscaler.controller.look import Looked, Outcome

logger = logging.getLogger(__name__)

LEVELS = {Severity.NORMAL: logging.INFO, Severity.WARNING: logging.WARNING}


@dataclass
class Publisher:
    """Nothing that fails here holds a warm pool up.

    Args:
        recorder: Events.
        gauges: Metrics.
    """

    recorder: Recorder
    gauges: Gauges
    _complained: dict[str, str] = field(default_factory=dict)

    def publish(self, namespace: str, looked: Looked) -> None:
        """All that a look came to; blocking."""
        for name in looked.gone:
            self.gauges.forget(namespace, name)
        for outcome in looked.outcomes:
            if outcome.fault is None:
                self._tell(outcome)
        for name, (document, why) in looked.faults.items():
            self._complain(f"{namespace}/{name}", document, why)

    def looked(self, namespace: str, outcome: str) -> None:
        """A look has ended: decided, conflict or failed."""
        self.gauges.looks.labels(namespace, outcome).inc()

    def took(self, seconds: float) -> None:
        """So long took a look."""
        self.gauges.look_seconds.observe(seconds)

    def _tell(self, outcome: Outcome) -> None:
        self.gauges.show(outcome.known.pool)
        for announcement in outcome.decision.announcements:
            self._log(outcome, announcement)
            if not outcome.known.is_dry:
                self._record(outcome.known.document, announcement)

    def _complain(self, who: str, document: Document, why: str) -> None:
        if self._complained.get(who) == why:
            return
        self._complained[who] = why
        logger.warning("%s", why)
        self._record(document, Announcement("InvalidSpec", why, Severity.WARNING))

    def _log(self, outcome: Outcome, announcement: Announcement) -> None:
        metadata, status = outcome.known.pool.metadata, outcome.known.status
        extra = {
            "namespace": metadata.namespace,
            "pool": metadata.name,
            "service": outcome.known.pool.spec.target_ref.name,
            "reason": announcement.reason,
            "floor": status.floor,
            "dry_run": outcome.known.is_dry,
        }
        logger.log(LEVELS[announcement.severity], announcement.message, extra=extra)

    def _record(self, document: Document, announcement: Announcement) -> None:
        try:
            self.recorder.record(document, announcement)
        except PilotlightError as error:
            logger.warning("no event %s: %s", announcement.reason, error)
