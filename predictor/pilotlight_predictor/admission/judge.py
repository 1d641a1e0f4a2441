"""Whether an arriving request may wait."""

from pilotlight_predictor.admission import decision, wait
from pilotlight_predictor.admission.backlog import Backlog
from pilotlight_predictor.admission.calibration import Calibration
from pilotlight_predictor.admission.capacity import Limits
from pilotlight_predictor.admission.decision import Decision
from pilotlight_predictor.admission.order import Order
from pilotlight_predictor.admission.prefill import Prefill
from pilotlight_predictor.admission.rate import ArrivalRate, ServiceRate
from pilotlight_predictor.admission.request import Request
from pilotlight_predictor.admission.work import Priority

# A tenant may hold this many times the free part of the queue: dynamic thresholds (Choudhury
# and Hahne 1998). Room is always left for the next tenant, and more of it by batch work.
QUEUE_RATIO = {Priority.INTERACTIVE: 4.0, Priority.BATCH: 1.0}


class Judge:
    """The bounds of the queue, in tokens, in expected wait and in the client's patience."""

    def __init__(
        self,
        limits: Limits,
        backlogs: dict[Priority, Backlog],
        prefill: Prefill,
        order: Order,
        service: ServiceRate,
    ) -> None:
        self._limits = limits
        self._backlogs = backlogs
        self._prefill = prefill
        self._order = order
        self._service = service
        self._interactive_arrivals = ArrivalRate()
        self._calibration = Calibration()

    def decide(self, request: Request, now: float) -> Decision:
        """Accept or reject an arriving request."""
        verdict = self._decide(request, now)
        if verdict.accepted and request.work.priority is Priority.INTERACTIVE:
            self._interactive_arrivals.arrive(request.cost, now)
        return verdict

    def learn(self, request: Request, now: float) -> None:
        """A request has had its first token: compare its wait with what was expected."""
        self._calibration.learn(request.expected_wait_s, now - request.work.arrived_s)

    def wait_s(self, priority: Priority, ahead: float, now: float) -> float:
        """Seconds until ``ahead`` weighted tokens of a class are expected to have started."""
        rate, share = self._service.value, self._limits.batch_share
        if priority is Priority.INTERACTIVE:
            batch_waits = len(self._backlogs[Priority.BATCH]) > 0
            return wait.interactive_wait_s(ahead, rate, share, batch_waits=batch_waits)
        interactive = self._backlogs[Priority.INTERACTIVE].cost
        arrivals = self._interactive_arrivals.value(now)
        return wait.batch_wait_s(ahead, interactive, arrivals, rate, share)

    def _decide(self, request: Request, now: float) -> Decision:
        work, limits = request.work, self._limits
        if work.prompt_tokens + 1 > limits.kv_tokens:
            return decision.too_large(work.prompt_tokens + 1, limits.kv_tokens)
        wait_s = self._wait_of(request, now)
        patience_s = work.deadline_s - now if work.deadline_s is not None else None
        if patience_s is not None and (patience_s <= 0 or wait_s > patience_s):
            return decision.past_deadline(wait_s, patience_s)
        if self._starts_at_once(request):
            return Decision(wait_s)
        if (full := self._queue_full(request, wait_s)) is not None:
            return full
        if wait_s > limits.max_queue_wait_s:
            return decision.wait_too_long(wait_s, limits.max_queue_wait_s)
        return Decision(wait_s)

    def _starts_at_once(self, request: Request) -> bool:
        ahead = len(self._backlogs[Priority.INTERACTIVE])
        if request.work.priority is Priority.BATCH:
            ahead += len(self._backlogs[Priority.BATCH])
        fits = self._order.fits(request)
        return ahead == 0 and not self._order.holds and fits

    def _wait_of(self, request: Request, now: float) -> float:
        if self._starts_at_once(request):
            return 0.0
        work = request.work
        ahead = self._backlogs[work.priority].cost_ahead(work.tenant, request.cost)
        # Its own room has to be freed too, by as much service as it will take.
        queued_s = self.wait_s(work.priority, ahead + request.cost, now)
        request.expected_wait_s = queued_s + self._prefill.wait_s
        return request.expected_wait_s * self._calibration.factor

    def _queue_full(self, request: Request, wait_s: float) -> Decision | None:
        work = request.work
        queued = sum(backlog.tokens for backlog in self._backlogs.values())
        tenant = self._backlogs[work.priority].counters.find(work.tenant)
        held = tenant.queued_tokens if tenant is not None else 0
        ratio = QUEUE_RATIO[work.priority]
        part = int((self._limits.max_queue_tokens - queued + held) * ratio / (1 + ratio))
        over = held + request.tokens - part
        if over <= 0:
            return None
        return decision.queue_full(request.tokens, held, part, wait_s, self._drain_s(over))

    def _drain_s(self, tokens: int) -> float:
        if not self._service.value:
            return 0.0
        # A token of the queue costs at most this much service.
        weight = max(self._limits.input_weight, self._limits.output_weight)
        return min(wait.MAX_WAIT_S, tokens * weight / self._service.value)
