"""The requests of one class that wait, in their order, with what its tenants were served."""

from pilotlight_predictor.admission.capacity import Limits
from pilotlight_predictor.admission.fairness import VirtualTokenCounters
from pilotlight_predictor.admission.heap import Heap
from pilotlight_predictor.admission.request import Request, Tenant


class Backlog:
    """One class: fair among tenants, and within a tenant short requests first.

    A tenant's requests go in the order of ``key``, a virtual deadline: arrival plus a time
    that grows with the request's cost. It does not change while a request waits, and yet ages
    it: who arrives later than the key never goes first.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_size: Heap[Request] = Heap()
        self._owners: dict[Request, Tenant] = {}
        self.counters = VirtualTokenCounters()
        self.tokens = 0
        self.cost = 0.0

    def __len__(self) -> int:
        return len(self._by_size)

    def add(self, request: Request, key: float) -> None:
        """A request starts to wait."""
        tenant = self.counters.enter(request.work.tenant)
        tenant.requests.push(request, key)
        tenant.queued_tokens += request.tokens
        tenant.queued_cost += request.cost
        self._owners[request] = tenant
        self._by_size.push(request, request.tokens)
        self.tokens += request.tokens
        self.cost += request.cost

    def first(self) -> Request | None:
        """The request whose turn it is."""
        tenant = self.counters.first()
        top = tenant.requests.first() if tenant is not None else None
        return top[1] if top is not None else None

    def smallest(self) -> Request | None:
        """The waiting request that needs the fewest tokens."""
        top = self._by_size.first()
        return top[1] if top is not None else None

    def cost_ahead(self, name: str, cost: float) -> float:
        """Weighted tokens of this class expected to start before a new request of a tenant.

        In fair turns every other tenant starts about as much as this one: what it has waiting,
        the request itself, and how far its counter is above the level. That is an upper bound
        of what is really before a request shorter than its tenant's others.
        """
        tenant = self.counters.find(name) or Tenant(name)
        others = self.counters.waiting - (1 if tenant.requests else 0)
        above = max(0.0, tenant.counter - self.counters.level())
        turn = tenant.queued_cost + cost + above
        return min(self.cost, tenant.queued_cost + others * turn)

    def within_fairness(self, request: Request) -> bool:
        """Whether the request may start out of turn and VTC's bound still holds.

        The bound (Lemma 4.3) allows the counters of two waiting tenants to differ by U. A start
        in turn keeps it by itself; one out of turn must leave room for what it will add.
        """
        tenant = self._owners[request]
        will_be = tenant.counter + tenant.coming + request.cost
        return will_be <= self.counters.level() + self._limits.fairness_bound

    def start(self, request: Request) -> None:
        """A waiting request goes to the engine: its prompt is charged."""
        tenant = self._stop_waiting(request)
        tenant.running += 1
        tenant.counter += self._limits.cost(request.work.prompt_tokens, 0)
        tenant.coming += self._limits.cost(0, request.output_to_come)
        self.counters.settle(tenant)

    def generate(self, request: Request, tokens: int) -> None:
        """A running request generated ``tokens`` more: they are charged."""
        tenant = self._owners[request]
        before = request.output_to_come
        request.output_tokens += tokens
        tenant.counter += self._limits.cost(0, tokens)
        tenant.coming -= self._limits.cost(0, before - request.output_to_come)

    def end(self, request: Request) -> None:
        """A running request ended."""
        tenant = self._owners.pop(request)
        tenant.running -= 1
        tenant.coming -= self._limits.cost(0, request.output_to_come)
        self.counters.settle(tenant)

    def drop(self, request: Request) -> None:
        """A waiting request will not start."""
        tenant = self._stop_waiting(request)
        del self._owners[request]
        self.counters.settle(tenant)

    def _stop_waiting(self, request: Request) -> Tenant:
        tenant = self._owners[request]
        tenant.requests.discard(request)
        tenant.queued_tokens -= request.tokens
        tenant.queued_cost -= request.cost
        self._by_size.discard(request)
        self.tokens -= request.tokens
        self.cost = self.cost - request.cost if self._by_size else 0.0
        return tenant
