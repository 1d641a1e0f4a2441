"""The controller's own metrics."""

from collections.abc import Callable
from datetime import datetime

from prometheus_client import Counter, Gauge, Histogram

from pilotlight.announcement import Announcement
from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import Phase
from pilotlight.controller.registry import registry_of

WHO = ("namespace", "rollout")
LOOK_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
ROLLOUT_SECONDS = (60, 180, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)


class Gauges:
    """What ``/metrics`` says of the rollouts."""

    def __init__(self, is_leading: Callable[[], bool]) -> None:
        self.registry = own = registry_of("pilotlight_canary", is_leading)
        self._known: dict[tuple[str, str], set[str]] = {}
        self.phase = Gauge(
            "pilotlight_canary_phase",
            "1 for the phase that a rollout is in, 0 for the others.",
            (*WHO, "phase"),
            registry=own,
        )
        self.weight = Gauge(
            "pilotlight_canary_weight_percent",
            "Share of the traffic that the canary is to get.",
            WHO,
            registry=own,
        )
        self.step = Gauge(
            "pilotlight_canary_step", "Step of the rollout; 0 before.", WHO, registry=own
        )
        self.evidence = Gauge(
            "pilotlight_canary_evidence_nats",
            "Logarithm of the e-value that the canary is worse than allowed, or good.",
            (*WHO, "check", "hypothesis"),
            registry=own,
        )
        self.looks = Counter(
            "pilotlight_canary_looks",
            "Looks by what became of them: decided, conflict or failed.",
            (*WHO, "outcome"),
            registry=own,
        )
        self.look_seconds = Histogram(
            "pilotlight_canary_look_seconds",
            "Duration of a look, from reading to the last write.",
            buckets=LOOK_SECONDS,
            registry=own,
        )
        self.last_look = Gauge(
            "pilotlight_canary_last_look_timestamp_seconds",
            "When a rollout was last looked at to the end.",
            WHO,
            registry=own,
        )
        self.decisions = Counter(
            "pilotlight_canary_decisions",
            "Announcements by their reason: Promoted, RolledBack and the like.",
            (*WHO, "reason"),
            registry=own,
        )
        self.rollouts = Histogram(
            "pilotlight_canary_rollout_seconds",
            "Duration of rollouts that ended, by outcome.",
            ("namespace", "outcome"),
            buckets=ROLLOUT_SECONDS,
            registry=own,
        )
        self.notifications = Counter(
            "pilotlight_canary_notifications",
            "Messages to people's chat: sent or failed.",
            ("outcome",),
            registry=own,
        )

    def show(self, rollout: InferenceRollout, now: float) -> None:
        """What a look has found."""
        who = (rollout.metadata.namespace, rollout.metadata.name)
        status = rollout.status
        for phase in Phase:
            self.phase.labels(*who, phase.value).set(phase is status.phase)
        self.weight.labels(*who).set(status.weight)
        self.step.labels(*who).set(status.step)
        self.last_look.labels(*who).set(now)
        checks = {entry.check: entry for entry in status.evidence if not entry.stratum}
        for check in self._known.get(who, set()) - checks.keys():
            self._forget_check(who, check)
        self._known[who] = set(checks)
        for check, entry in checks.items():
            self.evidence.labels(*who, check, "worse").set(entry.log_worse)
            self.evidence.labels(*who, check, "good").set(entry.log_good)

    def announced(self, rollout: InferenceRollout, announcement: Announcement) -> None:
        """Something worth telling."""
        who = (rollout.metadata.namespace, rollout.metadata.name)
        self.decisions.labels(*who, announcement.reason).inc()

    def ended(self, namespace: str, outcome: Phase, began: datetime, ended: datetime) -> None:
        """A rollout came to its end."""
        seconds = max(0.0, (ended - began).total_seconds())
        self.rollouts.labels(namespace, outcome.value).observe(seconds)

    def forget(self, namespace: str, name: str) -> None:
        """A rollout that is gone keeps no series."""
        for check in self._known.pop((namespace, name), set()):
            self._forget_check((namespace, name), check)
        who = {"namespace": namespace, "rollout": name}
        for metric in (
            self.phase,
            self.weight,
            self.step,
            self.last_look,
            self.looks,
            self.decisions,
        ):
            metric.remove_by_labels(who)

    def _forget_check(self, who: tuple[str, str], check: str) -> None:
        for hypothesis in ("worse", "good"):
            self.evidence.remove(*who, check, hypothesis)
