"""Circuit breakers: an upstream that fails is left alone for a while, then tried with one call.

The machine is the usual one (Nygard, *Release It!*, 2nd edition, section 5.2): closed, open,
half-open. It opens at so many failures in a row, or when too large a share of the last seconds'
calls failed; each time in a row it stays open for twice as long, up to a cap.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from prometheus_client import Counter, Gauge
from prometheus_client.registry import Collector

from pilotlight.clock import Clock

SLICES = 10
"""Of the window in which calls are counted."""
MAX_UPSTREAMS = 1024
"""Breakers kept; beyond that the one that was used least recently is forgotten."""


class State(IntEnum):
    """Whether calls pass; the values are those of the metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a breaker opens, and for how long.

    Attributes:
        failures: In a row that open it.
        ratio: Of failed calls in the window that opens it.
        window_s: Seconds in which ``ratio`` is counted.
        least_calls: In the window, before ``ratio`` means anything.
        open_s: Seconds for which it is open the first time.
        open_cap_s: Seconds for which it is open at most.
        probe_s: Seconds after which a probe whose end nobody told is given up, and another goes.
    """

    failures: int = 5
    ratio: float = 0.5
    window_s: float = 30.0
    least_calls: int = 20
    open_s: float = 1.0
    open_cap_s: float = 30.0
    probe_s: float = 60.0


@dataclass(slots=True)
class _Slice:
    number: int
    calls: int = 0
    failed: int = 0


@dataclass(slots=True)
class Breaker:
    """The breaker of one upstream; ``now`` is in seconds and never goes back."""

    policy: BreakerPolicy
    state: State = State.CLOSED
    _in_a_row: int = 0
    _slices: deque[_Slice] = field(default_factory=deque)
    _openings: int = 0
    _until: float = 0.0
    """While open: when it ends. While half-open: when the probe is given up."""

    def allows(self, now: float) -> bool:
        """Whether a call may go; if it is the probe, it is taken by asking."""
        if self.state is State.CLOSED:
            return True
        if now < self._until:
            return False
        self.state = State.HALF_OPEN
        self._until = now + self.policy.probe_s
        return True

    def succeeded(self, now: float) -> None:
        """A call went well. While it is open that was one from before, which proves nothing."""
        if self.state is State.OPEN:
            return
        if self.state is State.HALF_OPEN:
            self.state = State.CLOSED
            self._openings = 0
            self._slices.clear()
        self._in_a_row = 0
        self._slice(now).calls += 1

    def failed(self, now: float) -> None:
        """A call failed. While it is open that was one from before, which it is open for."""
        if self.state is State.OPEN:
            return
        if self.state is State.HALF_OPEN:
            self._open(now)
            return
        self._in_a_row += 1
        current = self._slice(now)
        current.calls += 1
        current.failed += 1
        if self._in_a_row >= self.policy.failures or self._too_many(now):
            self._open(now)

    def given_up(self, now: float) -> None:
        """A call ended and proved nothing; if it was the probe, the next call is one."""
        if self.state is State.HALF_OPEN:
            self.state = State.OPEN
            self._until = now

    def _open(self, now: float) -> None:
        policy = self.policy
        # 2.0**64 seconds are over any cap; larger exponents would overflow one day.
        lasting = policy.open_s * 2.0 ** min(self._openings, 64)
        self.state = State.OPEN
        self._openings += 1
        self._until = now + min(lasting, policy.open_cap_s)
        self._in_a_row = 0
        self._slices.clear()

    def _too_many(self, now: float) -> bool:
        oldest = self._number(now) - SLICES
        calls = sum(part.calls for part in self._slices if part.number > oldest)
        failed = sum(part.failed for part in self._slices if part.number > oldest)
        return calls >= self.policy.least_calls and failed >= self.policy.ratio * calls

    def _number(self, now: float) -> int:
        return int(now / self.policy.window_s * SLICES)

    def _slice(self, now: float) -> _Slice:
        number = self._number(now)
        if not self._slices or self._slices[-1].number != number:
            self._slices.append(_Slice(number))
            if len(self._slices) > SLICES:
                self._slices.popleft()
        return self._slices[-1]


class Breakers:
    """The breakers of all upstreams, by :attr:`Target.name`.

    Whoever asks :meth:`allows` and gets ``True`` tells how it went by :meth:`succeeded`,
    :meth:`failed` or :meth:`given_up`; not telling costs, for a probe, ``probe_s``.
    """

    def __init__(self, clock: Clock, policy: BreakerPolicy | None = None) -> None:
        self._clock = clock
        self._policy = policy or BreakerPolicy()
        self._breakers: OrderedDict[str, Breaker] = OrderedDict()
        self._state = Gauge(
            "pilotlight_transformer_breaker_state",
            "Of an upstream's circuit breaker: 0 closed, 1 half-open, 2 open",
            ["upstream"],
            registry=None,
        )
        self._opened = Counter(
            "pilotlight_transformer_breaker_openings",
            "How often an upstream's circuit breaker opened",
            ["upstream"],
            registry=None,
        )

    def allows(self, name: str) -> bool:
        """Whether a call may go to ``name`` now; a ``True`` while half-open is the one probe."""
        breaker = self._breaker(name)
        if breaker.state is State.CLOSED:
            return True
        allowed = breaker.allows(self._clock.monotonic())
        self._show(name, breaker)
        return allowed

    def closed(self, name: str) -> bool:
        """Whether ``name`` is in order as far as is known; asking takes no probe."""
        breaker = self._breakers.get(name)
        return breaker is None or breaker.state is State.CLOSED

    def succeeded(self, name: str) -> None:
        """A call to ``name`` went well."""
        breaker = self._breaker(name)
        before = breaker.state
        breaker.succeeded(self._clock.monotonic())
        if breaker.state is not before:
            self._show(name, breaker)

    def failed(self, name: str) -> None:
        """A call to ``name`` failed for the upstream's own reasons."""
        breaker = self._breaker(name)
        before = breaker.state
        breaker.failed(self._clock.monotonic())
        if breaker.state is not before:
            self._opened.labels(name).inc()
            self._show(name, breaker)

    def given_up(self, name: str) -> None:
        """A call to ``name`` ended for reasons that say nothing about the upstream."""
        breaker = self._breakers.get(name)
        if breaker is not None and breaker.state is State.HALF_OPEN:
            breaker.given_up(self._clock.monotonic())
            self._show(name, breaker)

    def collectors(self) -> Iterable[Collector]:
        """Its metrics."""
        return (self._state, self._opened)

    def _breaker(self, name: str) -> Breaker:
        breaker = self._breakers.get(name)
        if breaker is None:
            breaker = self._breakers[name] = Breaker(self._policy)
            self._show(name, breaker)
            if len(self._breakers) > MAX_UPSTREAMS:
                self._forget_one()
        else:
            self._breakers.move_to_end(name)
        return breaker

    def _forget_one(self) -> None:
        name, _ = self._breakers.popitem(last=False)
        self._state.remove(name)
        self._opened.labels(name)
        self._opened.remove(name)

    def _show(self, name: str, breaker: Breaker) -> None:
        self._state.labels(name).set(breaker.state)
