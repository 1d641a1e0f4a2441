"""A start against the clocks that run meanwhile."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pilotlight_manifests.lint.engine import Server
from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.quantity import size
from pilotlight_manifests.lint.workload import Workload

PROGRESS_DEADLINE = "serving.knative.dev/progress-deadline"
SLOW_LINE = 125e6
"""Bytes per second of a line of 1 Gbit/s: who needs less need not look at the storage."""


@dataclass(frozen=True)
class Start:
    """A time that a start surely takes, and why."""

    seconds: float
    why: str


def least(workload: Workload) -> Start | None:
    """A lower bound: measured from exec to ready, or one passage of the weights over the line."""
    phases = workload.options.start_phases
    for_all = None if workload.server is Server.OTHER else phases.get("")
    measured = phases.get(workload.document.name, for_all)
    if measured is not None and workload.component in {"predictor", "service"}:
        return Start(measured.total_s, f"a start took {measured.total_s:.1f} s ({measured.source})")
    weights, bandwidth = _weights(workload), workload.options.bandwidth
    if weights is None or bandwidth is None:
        return None
    seconds = weights / bandwidth
    return Start(
        seconds, f"{size(weights)} of weights at {size(bandwidth)}/s take {seconds:.0f} s at least"
    )


def _weights(workload: Workload) -> float | None:
    return workload.model.disk_bytes if workload.model else None


class ColdStartExceedsTimeout:
    """A pod that is not ready before the request that woke it has run out of time.

    Knative's activator holds a request at zero pods for ``timeoutSeconds`` at most, the cold start
    and the answer together (``NewTimeoutHandler`` in ``cmd/activator/main.go``).
    """

    id = "cold-start-exceeds-timeout"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        timeout, start = workload.timeout_s, least(workload)
        if not workload.mode.knative or workload.scaling.least > 0 or not timeout:
            return
        place = workload.scaling.timeout
        place = place if place.given else workload.scaling.min_replicas
        if start is not None and start.seconds >= timeout:
            yield report.error(
                place,
                f"from zero pods the first request fails: {start.why}, and it is given up after "
                f"{timeout} s.{workload.mode.caveat}",
                "keep a pod warm (minReplicas 1, or a WarmPool), make the start quicker, or raise "
                f"the timeout (at most {workload.options.max_timeout_s} s)",
            )
        weights = _weights(workload)
        if start is None and weights is not None and weights / timeout > SLOW_LINE:
            yield report.info(
                place,
                f"from zero pods {size(weights)} of weights must arrive within {timeout} s: "
                f"{size(weights / timeout)}/s at least.{workload.mode.caveat}",
                "say what the storage gives with --bandwidth, or what was measured with "
                "--start-phases",
            )


class ColdStartExceedsProgressDeadline:
    """A pod that is not ready within the progress deadline: Knative gives the revision up.

    Source: Knative ``ProgressDeadlineDefault`` (``pkg/deployment/config.go``): 600 s, for one
    revision the annotation ``serving.knative.dev/progress-deadline``; after it the revision is
    marked failed (``reconcile_resources.go``) and scaled down (``kpa/scaler.go``).
    """

    id = "cold-start-exceeds-progress-deadline"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        start = least(workload)
        if not workload.mode.knative or start is None:
            return
        annotation = workload.annotations.get(PROGRESS_DEADLINE)
        own = _duration(annotation.text) if annotation else None
        deadline = workload.options.progress_deadline_s if own is None else own
        if start.seconds >= deadline:
            yield report.error(
                annotation or workload.container.place,
                f"the revision fails before it is ready: {start.why}, and Knative gives up after "
                f"{deadline:.0f} s.{workload.mode.caveat}",
                f"set the annotation {PROGRESS_DEADLINE}: {start.seconds * 1.5:.0f}s or more",
            )


def _duration(text: str | None) -> float | None:
    """Go's ``time.ParseDuration`` for hours, minutes and seconds."""
    match = re.fullmatch(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", text or "")
    if match is None or not text:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600.0 + minutes * 60 + seconds
