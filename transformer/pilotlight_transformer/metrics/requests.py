"""Counts each request on a generating route, as the predictor does, for a canary to be compared.

Nothing is parsed for it: prompts are measured in bytes, streams in events, and the end of an answer
is found in its bytes. ``docs/metrics.md`` says what follows from that.
"""

import re
import time
from collections.abc import Callable, Iterable

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from pilotlight.request_metrics import FollowedRequest, RequestMetrics
from pilotlight_transformer.pipeline.call import Call, Slot
from pilotlight_transformer.pipeline.route import GENERATES
from pilotlight_transformer.pipeline.step import Outcome

PREFIX = "pilotlight_transformer"
BYTES_PER_TOKEN = 4
"""English text in today's vocabularies; only the stratum of a prompt's length hangs on it."""

_FINISH = re.compile(rb'"finish_reason":\s?"([a-z_]+)"')
_COMPLETION = re.compile(rb'"completion_tokens":\s?(\d{1,9})')
_EVENT = b"data: "
_REFUSALS = frozenset({429, 503})
_REASONS = {"tool_calls": "stop", "function_call": "stop", "content_filter": "stop"}


class _Followed:
    """What is known of one answer so far."""

    __slots__ = ("events", "finish", "last_at", "request")

    def __init__(self) -> None:
        self.request: FollowedRequest | None = None
        self.events = 0
        self.finish: str | None = None
        self.last_at: float | None = None


class RequestCounter(Collector):
    """An observer of the gateway's calls, and the collector of what it counted.

    A request is counted when its answer begins, when it ends, or when somebody looks while it
    waits; so those that are wrong in themselves are not counted at all.

    Args:
        revision: Value of the label ``revision``; empty outside Knative.
        now: The clock of ``Call.arrived_at``, in seconds.
    """

    def __init__(self, revision: str, now: Callable[[], float] = time.monotonic) -> None:
        self._metrics = RequestMetrics(PREFIX, revision, now)
        self._now = now
        self._waiting: dict[int, tuple[Call, _Followed]] = {}
        self._slot: Slot[_Followed] = Slot()

    def began(self, call: Call) -> None:
        """A request was read."""
        if call.route in GENERATES:
            followed = self._slot.put(call, _Followed())
            self._waiting[id(call)] = (call, followed)

    def passing(self, call: Call, status: int, data: bytes) -> None:
        """Bytes of the answer go out."""
        followed = self._slot.get(call)
        if followed is None or status != 200:
            return
        now_s = self._now()
        if followed.request is None:
            self._arrive(call, followed).first_token(now_s)
        followed.last_at = now_s
        if not call.stream:
            if found := _COMPLETION.search(data):
                followed.events = int(found[1])
        else:
            followed.events += data.count(_EVENT)
        if b'"finish_reason"' in data and (reasons := _FINISH.findall(data)):
            followed.finish = reasons[-1].decode()

    def ended(self, call: Call, outcome: Outcome) -> None:
        """The answer is over, however it went."""
        followed = self._slot.get(call)
        if followed is None:
            return
        self._waiting.pop(id(call), None)
        if _at_fault(outcome):
            return
        request = followed.request or self._arrive(call, followed)
        tokens = followed.events
        if call.stream and tokens:
            # The first event names the role, and the last one is [DONE].
            tokens = max(1, tokens - 2)
        last_at = followed.last_at if call.stream else None
        request.end(_reason(outcome, followed.finish), tokens, last_at)

    def collect(self) -> Iterable[Metric]:
        """The families; who waits is counted from now on."""
        for call, followed in list(self._waiting.values()):
            if followed.request is None:
                self._arrive(call, followed)
        return self._metrics.collect()

    def _arrive(self, call: Call, followed: _Followed) -> FollowedRequest:
        tokens = call.facts.prompt_tokens or len(call.body) // BYTES_PER_TOKEN
        followed.request = self._metrics.arrive(tokens, call.arrived_at)
        return followed.request


def _at_fault(outcome: Outcome) -> bool:
    """Whether the request itself was wrong."""
    return 400 <= outcome.status < 499 and outcome.status not in _REFUSALS


def _reason(outcome: Outcome, finish: str | None) -> str:
    if outcome.cancelled:
        return "cancelled"
    if outcome.status in _REFUSALS:
        return "refused"
    if not outcome.ok:
        return "error"
    return _REASONS.get(finish or "stop", finish or "stop")
