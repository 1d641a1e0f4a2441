"""A service's history from Prometheus, as the demand that forecasts learn from."""

import numpy as np

from pilotlight.errors import MetricsUnavailable
from pilotlight.metrics.prometheus import Prometheus, Series
from pilotlight_autoscaler.demand import Demand, Flags, Floats
from pilotlight_autoscaler.metrics import selectors
from pilotlight_autoscaler.metrics.starts import percentile
from pilotlight_autoscaler.metrics.subject import Subject

STEP_S = 60.0
POINTS = 10_000
"""Prometheus answers with at most 11,000 of a series."""
LONGEST_HOLE = int(selectors.LOOK_BACK_S // STEP_S)


class PrometheusPast:
    """Asks for weeks of minutes, a week at a time."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus

    def demand(self, subject: Subject, start_s: float, end_s: float) -> Demand:
        """The minutes between two moments, whole ones.

        A minute is known if Knative told of the service's revisions, or a replica of itself; where
        neither ever did, if Prometheus scraped anything at all: then it was at zero.

        Raises:
            MetricsUnavailable: No answer, or not all of it.
        """
        first = float(np.ceil(start_s / STEP_S) * STEP_S)
        bins = max(0, int((end_s - first) // STEP_S))
        arrivals = self._line(selectors.arrivals(subject), first, bins)
        concurrency = self._line(selectors.concurrency(subject), first, bins)
        known = self._known(subject, first, bins)
        known &= ~_after_long_holes(known)
        return Demand(
            start_s=first,
            step_s=STEP_S,
            arrivals=np.where(known, np.nan_to_num(arrivals), 0.0),
            concurrency=np.where(known, np.nan_to_num(concurrency), 0.0),
            known=known,
        )

    def cold_start_s(self, subject: Subject, now_s: float, seconds: int) -> float | None:
        """The 95th percentile of the starts that servers have told; without their scheduling.

        Raises:
            MetricsUnavailable: No answer.
        """
        found = self._prometheus.at(selectors.starts(subject, seconds), now_s)
        return percentile([series.value for series in found])

    def _known(self, subject: Subject, first: float, bins: int) -> Flags:
        knative = self._line(selectors.seen_by_knative(subject), first, bins)
        replicas = self._line(selectors.seen_by_replicas(subject), first, bins)
        if np.isnan(knative).all() and subject.revisions:
            return ~np.isnan(self._line(selectors.seen_at_all(), first, bins))
        known: Flags = ~(np.isnan(knative) & np.isnan(replicas))
        return known

    def _line(self, query: str, first: float, bins: int) -> Floats:
        """One value a bin, evaluated at its end; nan where there is none."""
        found = np.full(bins, np.nan)
        for begin in range(0, bins, POINTS):
            end = min(begin + POINTS, bins)
            times = (first + (begin + 1) * STEP_S, first + end * STEP_S)
            answer = self._prometheus.over(query, *times, STEP_S)
            if len(answer) > 1:
                raise MetricsUnavailable(f"the query {query} gives {len(answer)} series, not one")
            _fill(found, answer, first)
        return found


def _fill(line: Floats, answer: list[Series], first: float) -> None:
    for series in answer:
        for moment, value in series.points:
            index = round((moment - first) / STEP_S) - 1
            if 0 <= index < len(line):
                line[index] = value


def _after_long_holes(known: Flags) -> Flags:
    """Bins in which all counters since before a long hole would count at once.

    The first bin of all is one.
    """
    blind = 0
    found = np.zeros_like(known)
    started = False
    for index, is_known in enumerate(known):
        found[index] = is_known and (blind >= LONGEST_HOLE or not started)
        started = started or bool(is_known)
        blind = 0 if is_known else blind + 1
    return found
