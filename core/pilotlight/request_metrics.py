"""What a server counts of each request, for a canary to be compared with its stable version.

Predictor, transformer and whatever stands in for them count alike, so one collector serves
them all. Counting is plain arithmetic on the event loop's thread; the text is made when it is
asked for. ``docs/metrics.md`` says what each family means and what becomes of a request whose
client leaves.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

INFINITY = "+Inf"
PROMPT_EDGES = (256, 1024, 4096, 16384)
"""Tokens; upper edges of the strata. Fixed: other strata can only be unions of these."""
FIRST_TOKEN_EDGES = (0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 30, 60, 120)
INTER_TOKEN_EDGES = (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5)
OUTPUT_EDGES = (0, 1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
FINISH_REASONS = ("stop", "length", "repetition", "error", "cancelled", "refused")
WHOLE_ENDS = frozenset({"stop", "length", "repetition"})
"""The answer is as long as the model made it."""
STRATA = (*(str(edge) for edge in PROMPT_EDGES), INFINITY)

ARRIVALS = "request_arrivals"
WITHIN = "first_token_within"
LATE = "first_token_late"
INTER_TOKEN = "request_inter_token_seconds"  # noqa: S105  # a metric's name
OUTPUT = "request_output_tokens"
FINISHED = "requests_finished"
CACHE = "prompt_cache_requests"
STARTED = "counting_since_seconds"
STALL = "engine_stall_seconds"
_KEYS = ["revision", "prompt_tokens"]


def edge_label(edge: float) -> str:
    """How an edge of a bucket is written in a label."""
    return f"{edge:g}"


class _Histogram:
    """Counts between edges, as they are told; Prometheus wants them summed up."""

    def __init__(self, edges: Sequence[float]) -> None:
        self.edges = edges
        self.counts = [0] * (len(edges) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.edges, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        labels = [*(edge_label(edge) for edge in self.edges), INFINITY]
        return list(zip(labels, accumulate(self.counts), strict=True))


class _Stratum:
    """The counters of one range of prompt lengths."""

    def __init__(self) -> None:
        self.arrivals = 0
        # By the first edge that the wait for the first token kept; the last: it kept none.
        self.first_token = [0] * (len(FIRST_TOKEN_EDGES) + 1)
        self.inter_token = _Histogram(INTER_TOKEN_EDGES)
        self.output = _Histogram(OUTPUT_EDGES)
        self.finished = dict.fromkeys(FINISH_REASONS, 0)
        self.cache = {"hit": 0, "miss": 0}


class FollowedRequest:
    """One request, from its arrival to its end. Made by :meth:`RequestMetrics.arrive`."""

    __slots__ = ("_arrived_s", "_ended", "_first_s", "_metrics", "_passed", "_peek", "_stratum")

    def __init__(
        self,
        metrics: "RequestMetrics",
        stratum: _Stratum,
        arrived_s: float,
        peek: Callable[[], float | None] | None,
    ) -> None:
        self._metrics = metrics
        self._stratum = stratum
        self._arrived_s = arrived_s
        self._peek = peek
        self._passed = 0
        self._first_s: float | None = None
        self._ended = False

    def first_token(self, at_s: float) -> None:
        """The first token came, at ``at_s`` of the arrival's clock. Told again: no change."""
        if self._first_s is not None or self._ended:
            return
        self._first_s = at_s
        self._settle(bisect_left(FIRST_TOKEN_EDGES, at_s - self._arrived_s))

    def cache(self, *, hit: bool) -> None:
        """Whether the prompt's beginning was found in a cache; to be told once."""
        self._stratum.cache["hit" if hit else "miss"] += 1

    def end(self, reason: str, tokens: int, last_token_s: float | None = None) -> None:
        """The answer has ended. Told again, it changes nothing.

        A request without a first token is late by every limit, whoever ended it: those who do
        not wait any longer are not to make a version look fast.

        Args:
            reason: One of :data:`FINISH_REASONS`; any other counts as ``error``.
            tokens: That were generated, per choice.
            last_token_s: When the last of them came.
        """
        if self._ended:
            return
        if self._first_s is None:
            self._settle(len(FIRST_TOKEN_EDGES))
        self._ended = True
        known = reason if reason in FINISH_REASONS else "error"
        self._stratum.finished[known] += 1
        if known in WHOLE_ENDS:
            self._stratum.output.observe(tokens)
        if self._first_s is not None and last_token_s is not None and tokens > 1:
            elapsed_s = max(0.0, last_token_s - self._first_s)
            self._stratum.inter_token.observe(elapsed_s / (tokens - 1))

    def passed(self, now_s: float) -> int:
        """How many limits the wait has passed by now; 0 once the first token is there."""
        if self._peek is not None and (first_s := self._peek()) is not None:
            self.first_token(first_s)
        if self._first_s is not None or self._ended:
            return 0
        self._passed = max(self._passed, bisect_left(FIRST_TOKEN_EDGES, now_s - self._arrived_s))
        return self._passed

    def stratum(self) -> _Stratum:
        """Where it counts."""
        return self._stratum

    def _settle(self, kept: int) -> None:
        # A limit that has been shown as passed stays passed: counters only rise.
        self._stratum.first_token[max(kept, self._passed)] += 1
        self._metrics.settled(self)


class RequestMetrics:
    """A collector for ``prometheus_client``.

    Args:
        prefix: Of the names, as in ``pilotlight_predictor``.
        revision: Value of the label ``revision``; empty outside Knative.
        now: The clock of the arrivals, in seconds.
    """

    def __init__(self, prefix: str, revision: str, now: Callable[[], float]) -> None:
        self._prefix = prefix
        self.revision = revision
        self._now = now
        self._strata = {stratum: _Stratum() for stratum in STRATA}
        self._by_index = list(self._strata.values())
        self._waiting: set[FollowedRequest] = set()
        self._started_at = time.time()

    def arrive(
        self,
        prompt_tokens: int,
        arrived_s: float,
        peek: Callable[[], float | None] | None = None,
    ) -> FollowedRequest:
        """A request has come.

        Args:
            prompt_tokens: Length of its prompt.
            arrived_s: When, on the clock ``now``.
            peek: When its first token came, if that is known before its answer is seen: one
                that is answered in one piece must not count as late while it is written.
        """
        stratum = self._by_index[bisect_left(PROMPT_EDGES, prompt_tokens)]
        stratum.arrivals += 1
        followed = FollowedRequest(self, stratum, arrived_s, peek)
        self._waiting.add(followed)
        return followed

    def settled(self, followed: FollowedRequest) -> None:
        """Its first token has come, or never will."""
        self._waiting.discard(followed)

    def collect(self) -> Iterable[Metric]:
        """The families, with those who wait counted as late by every limit they have passed."""
        waiting: dict[int, list[int]] = {}
        now_s = self._now()
        for followed in tuple(self._waiting):
            if passed := followed.passed(now_s):
                late = waiting.setdefault(id(followed.stratum()), [0] * len(FIRST_TOKEN_EDGES))
                for index in range(passed):
                    late[index] += 1
        yield self._counter(ARRIVALS, "Requests that came.", [], self._arrivals())
        yield from self._first_token(waiting)
        yield self._histogram(INTER_TOKEN, "Mean of a request.", lambda s: s.inter_token)
        yield self._histogram(OUTPUT, "Of whole answers.", lambda s: s.output)
        yield self._counter(FINISHED, "Answers by their end.", ["reason"], self._finished())
        yield self._counter(CACHE, "Prompts by the cache's answer.", ["result"], self._cache())
        since = GaugeMetricFamily(f"{self._prefix}_{STARTED}", "Unix time.", labels=["revision"])
        since.add_metric([self.revision], self._started_at)
        yield since

    def _first_token(self, waiting: dict[int, list[int]]) -> Iterator[Metric]:
        labels = [edge_label(edge) for edge in FIRST_TOKEN_EDGES]
        within, late = [], []
        for name, stratum in self._strata.items():
            settled = sum(stratum.first_token)
            old = waiting.get(id(stratum), [0] * len(labels))
            for label, kept, older in zip(
                labels, accumulate(stratum.first_token), old, strict=False
            ):
                within.append(((name, label), kept))
                late.append(((name, label), settled - kept + older))
        yield self._counter(WITHIN, "First token within a limit.", ["limit"], within)
        yield self._counter(LATE, "No first token within a limit.", ["limit"], late)

    def _arrivals(self) -> Iterator[tuple[tuple[str, ...], float]]:
        for name, stratum in self._strata.items():
            yield (name,), stratum.arrivals

    def _finished(self) -> Iterator[tuple[tuple[str, ...], float]]:
        for name, stratum in self._strata.items():
            for reason, count in stratum.finished.items():
                yield (name, reason), count

    def _cache(self) -> Iterator[tuple[tuple[str, ...], float]]:
        for name, stratum in self._strata.items():
            for result, count in stratum.cache.items():
                yield (name, result), count

    def _counter(
        self,
        name: str,
        text: str,
        labels: list[str],
        values: Iterable[tuple[tuple[str, ...], float]],
    ) -> Metric:
        family = CounterMetricFamily(f"{self._prefix}_{name}", text, labels=[*_KEYS, *labels])
        for own, value in values:
            family.add_metric([self.revision, *own], value)
        return family

    def _histogram(self, name: str, text: str, of: Callable[[_Stratum], _Histogram]) -> Metric:
        family = HistogramMetricFamily(f"{self._prefix}_{name}", text, labels=_KEYS)
        for stratum_name, stratum in self._strata.items():
            histogram = of(stratum)
            family.add_metric([self.revision, stratum_name], histogram.buckets(), histogram.sum)
        return family
