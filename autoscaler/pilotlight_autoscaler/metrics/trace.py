"""One service, look by look: what came, since when it is idle, who met a cold start."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pilotlight_autoscaler.demand import Recent
from pilotlight_autoscaler.metrics.figures import Figures
from pilotlight_autoscaler.metrics.history import History, Packed, join, newest, pack
from pilotlight_autoscaler.metrics.starts import percentile, with_seen
from pilotlight_autoscaler.observation import Counted

HOLE_S = 90.0
"""After so long without figures nothing is known of the time in between."""
STALE_S = 90.0
"""Figures as old as this are none."""
LATELY_S = 600.0
UNFOLDED, AT_HAND = 240, 30
"""Bins that are kept as they are, at most and at least."""
GAPS = 500
REPLICAS = 200
IDLE = 1e-3
"""Below it nobody is in flight: averages come close to zero only."""


@dataclass(frozen=True)
class Wakes:
    """Starts from zero that people waited for.

    Args:
        waiting: The most that were seen waiting for the one under way.
        people: All who waited, for those that ended.
        count: Of those that ended.
        asleep: Whether there was no replica at the last look.
    """

    waiting: float = 0.0
    people: float = 0.0
    count: int = 0
    asleep: bool = False

    def look(self, figures: Figures, came: float) -> "Wakes":
        """With one more look.

        Where nobody was seen waiting, at an activator that tells, and nothing but requests can
        have woken the service, those have that its first replica had counted when it was seen.
        """
        if not figures.ready:
            waiting = max(self.waiting, figures.waiting or 0.0)
            return replace(self, waiting=waiting, asleep=True)
        waited = self.waiting
        if self.asleep and not waited and not figures.held:
            waited = came
        if not waited:
            return replace(self, asleep=False)
        return Wakes(people=self.people + max(1.0, waited), count=self.count + 1)


@dataclass(frozen=True)
class Progress:
    """Where one look left off.

    Args:
        at: When it was, in seconds since the epoch; ``None``: there was none.
        requests: By replica, what it had counted.
        concurrency: In flight then.
        idle_since_s: When the last request ended; ``None``: one is in flight, or none ever came.
        whole: Whether all of the idle time so far was watched.
        gaps_s: The last idle times that ended, oldest first.
        total: All requests.
        wakes: Those among them that waited for a start.
        starts: How long starts took, by replica.
    """

    at: float | None = None
    requests: Mapping[str, float] = field(default_factory=dict)
    concurrency: float = 0.0
    idle_since_s: float | None = None
    whole: bool = True
    gaps_s: tuple[float, ...] = ()
    total: float = 0.0
    wakes: Wakes = Wakes()
    starts: Mapping[str, float] = field(default_factory=dict)


class Trace:
    """Follows one service through its figures.

    Args:
        history: To go on with.
        progress: Where the last look left off.
    """

    def __init__(self, history: History | None = None, progress: Progress | None = None) -> None:
        self._old, self._new = Packed(), history or History()
        self._lately: tuple[float, float | None] | None = None
        self.progress = progress or Progress()
        self._fold()

    @property
    def history(self) -> History:
        """All that was seen, minute by minute."""
        return join(self._old, self._new)

    def take(self, figures: Figures) -> None:
        """One more look."""
        now = figures.signals.concurrency
        if now is None or now.age_s > STALE_S:
            return
        before = self.progress
        if before.at is not None and figures.at <= before.at:
            before = set_back(before, figures.at)
        came = arrived(before, figures)
        is_seen = before.at is not None and figures.at - before.at <= HOLE_S
        if before.at is not None and is_seen:
            mean = (before.concurrency + now.value) / 2
            self._new.add(before.at, figures.at, came, mean)
            self._fold()
        self.progress = _after(before, figures, now.value, came, is_seen=is_seen)

    def recent(self, now_s: float) -> tuple[Recent | None, float]:
        """This moment's demand, and how old it is; ``None``: nobody has told for long."""
        at = self.progress.at
        if at is None:
            return None, 0.0
        age_s = max(0.0, now_s - at)
        if age_s > STALE_S:
            return None, age_s
        found, since = self.progress, self.progress.idle_since_s
        lately = None if since is None else self._before(since)
        return Recent(found.concurrency, since, found.gaps_s, lately), age_s

    def _before(self, since_s: float) -> float | None:
        """Requests in the time before an idle time: looked up once for it."""
        if self._lately is None or self._lately[0] != since_s:
            self._lately = since_s, self.history.arrived(since_s - LATELY_S, since_s)
        return self._lately[1]

    def _fold(self) -> None:
        """Put what is older away: two weeks of minutes are a quarter of a megabyte."""
        if self._new.length > UNFOLDED:
            whole = self.history
            self._new = newest(whole, AT_HAND)
            self._old = pack(whole)

    @property
    def counted(self) -> Counted | None:
        """Requests, and those that waited for a start; ``None`` before the first look."""
        if self.progress.at is None:
            return None
        cold = round(self.progress.wakes.people)
        return Counted(max(round(self.progress.total), cold), cold)

    @property
    def cold_start_s(self) -> float | None:
        """The 95th percentile of the starts that were seen."""
        return percentile(list(self.progress.starts.values()))


def set_back(progress: Progress, at: float) -> Progress:
    """After the clock went back: a first look again, of which only the counts go on."""
    idle_since = progress.idle_since_s
    return replace(
        progress,
        at=None,
        idle_since_s=None if idle_since is None else min(idle_since, at),
        whole=False,
    )


def arrived(before: Progress, figures: Figures) -> float:
    """Requests since the look before: by replica, for one that begins anew ends another's count.

    At the first look of all nothing is compared, and nothing has come. A replica that is new to us
    has counted since it started, which is new to us too, unless it says that it began before.
    """
    if before.at is None:
        return 0.0
    came = 0.0
    for pod, count in figures.requests.items():
        known = before.requests.get(pod)
        if known is not None:
            came += count - known if count >= known else count
        elif figures.since.get(pod, before.at) >= before.at - HOLE_S:
            came += count
    return came


def _after(
    before: Progress, figures: Figures, concurrency: float, came: float, *, is_seen: bool
) -> Progress:
    is_busy = concurrency > IDLE
    was_busy = before.concurrency > IDLE
    at = figures.at
    middle = at if before.at is None else (before.at + at) / 2
    idle_since, whole, gaps = before.idle_since_s, before.whole, before.gaps_s
    if is_busy or came:
        # What ends an idle time that was not watched to its end says nothing of its length.
        if idle_since is not None and whole and is_seen and middle > idle_since:
            gaps = (*gaps, middle - idle_since)[-GAPS:]
        idle_since, whole = (None, True) if is_busy else (middle, is_seen)
    elif was_busy:
        idle_since, whole = middle, is_seen
    elif not is_seen:
        whole = False
    return Progress(
        at=at,
        requests=_last({**before.requests, **figures.requests}),
        concurrency=concurrency,
        idle_since_s=idle_since,
        whole=whole,
        gaps_s=gaps,
        total=before.total + came,
        wakes=before.wakes.look(figures, came),
        starts=with_seen(before.starts, figures.starts),
    )


def _last(counts: dict[str, float]) -> dict[str, float]:
    """A replica that is silent for one look goes on where it was."""
    return dict(list(counts.items())[-REPLICAS:])
