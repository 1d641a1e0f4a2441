"""What activators and queue-proxies count, and when they tell (``pkg/http/stats/request.go`` of
``knative.dev/networking``; ``activator/handler/concurrency_reporter.go``; ``queue``)."""

from pilotlight_autoscaler.kpa.collector import Stat
from pilotlight_autoscaler.kpa.settings import REPORT_S


class RequestStats:
    """Requests in flight, averaged over the time between two reports.

    Args:
        now_s: When counting begins, in seconds.
    """

    __slots__ = (
        "_area",
        "_changed_s",
        "_proxied_area",
        "_proxied_requests",
        "_requests",
        "_seconds",
        "concurrency",
        "proxied_concurrency",
    )

    def __init__(self, now_s: float) -> None:
        self.concurrency = 0
        self.proxied_concurrency = 0
        self._changed_s = now_s
        self._reset()

    def arrive(self, now_s: float, proxied: bool = False) -> None:
        """A request came, maybe through the activator."""
        self._pass_time(now_s)
        if proxied:
            self.proxied_concurrency += 1
            self._proxied_requests += 1
        self.concurrency += 1
        self._requests += 1

    def leave(self, now_s: float, proxied: bool = False) -> None:
        """A request was answered."""
        self._pass_time(now_s)
        if proxied:
            self.proxied_concurrency -= 1
        self.concurrency -= 1

    def report(self, now_s: float) -> Stat:
        """Averages and numbers of requests since the last report."""
        self._pass_time(now_s)
        seconds = self._seconds
        report = Stat(
            self._area / seconds if seconds > 0 else 0.0,
            self._proxied_area / seconds if seconds > 0 else 0.0,
            self._requests,
            self._proxied_requests,
        )
        self._reset()
        return report

    def _pass_time(self, now_s: float) -> None:
        passed = now_s - self._changed_s
        if passed > 0:
            self._seconds += passed
            self._area += self.concurrency * passed
            self._proxied_area += self.proxied_concurrency * passed
            self._changed_s = now_s

    def _reset(self) -> None:
        self._area = self._proxied_area = self._seconds = 0.0
        self._requests = self._proxied_requests = 0


class ActivatorReporter:
    """One activator's account of one revision, reported each second.

    The first request after a second without any is reported at once, as one request in flight:
    that is what wakes a revision. The next report takes it off again.
    """

    __slots__ = ("_early", "_stats")

    def __init__(self) -> None:
        self._stats: RequestStats | None = None
        self._early = 0

    @property
    def concurrency(self) -> int:
        """Requests in the activator, those that wait included."""
        return self._stats.concurrency if self._stats else 0

    def arrive(self, now_s: float) -> Stat | None:
        """A request came; a report that is not put off, if it is the first."""
        first = self._stats is None
        if self._stats is None:
            self._stats = RequestStats(now_s)
            self._early = 1
        self._stats.arrive(now_s)
        return Stat(concurrency=1, requests=1) if first else None

    def leave(self, now_s: float) -> None:
        """A request was answered, or given up."""
        if self._stats is not None:
            self._stats.leave(now_s)

    def report(self, now_s: float) -> Stat | None:
        """The report of a second; ``None``: the revision is not known here, nothing is sent."""
        stats = self._stats
        if stats is None:
            return None
        counted = stats.report(now_s)
        early, self._early = self._early, 0
        if counted.concurrency == 0 and stats.concurrency == 0:
            self._stats = None
        return Stat(
            concurrency=max(counted.concurrency - early, 0.0), requests=counted.requests - early
        )


class QueueProxyReporter:
    """One pod's account, renewed each second and read by the scraper at moments of its own.

    Args:
        now_s: When the queue-proxy starts, in seconds.
    """

    __slots__ = ("latest", "stats")

    def __init__(self, now_s: float) -> None:
        self.stats = RequestStats(now_s)
        self.latest = Stat()

    def arrive(self, now_s: float, proxied: bool) -> None:
        """A request came, through the activator or not."""
        self.stats.arrive(now_s, proxied)

    def leave(self, now_s: float, proxied: bool) -> None:
        """A request was answered."""
        self.stats.leave(now_s, proxied)

    def report(self, now_s: float) -> Stat:
        """Renew what a scrape sees; before the first time it sees zeros."""
        counted = self.stats.report(now_s)
        self.latest = Stat(
            counted.concurrency,
            counted.proxied_concurrency,
            counted.requests / REPORT_S,
            counted.proxied_requests / REPORT_S,
        )
        return self.latest
