"""Fair shares among the tenants of one class: the virtual token counter.

Source: Sheng et al., "Fairness in Serving Large Language Models" (OSDI 2024,
arXiv 2401.00588), Algorithm 2. Each tenant has a counter of the weighted tokens it was served;
the waiting tenant with the smallest counter is next.
"""

from pilotlight_predictor.admission.heap import Heap
from pilotlight_predictor.admission.request import Tenant


class VirtualTokenCounters:
    """The counters of the tenants of one class.

    A tenant that neither waits nor runs is forgotten once its counter is no higher than the
    level to which a newcomer is lifted: coming back as a newcomer it gains nothing.
    """

    def __init__(self) -> None:
        self._tenants: dict[str, Tenant] = {}
        self._waiting: Heap[Tenant] = Heap()
        self._idle: Heap[Tenant] = Heap()
        self._last_to_leave: Tenant | None = None

    def __len__(self) -> int:
        return len(self._tenants)

    @property
    def waiting(self) -> int:
        """Tenants with requests that wait."""
        return len(self._waiting)

    def find(self, name: str) -> Tenant | None:
        """A tenant that is not forgotten."""
        return self._tenants.get(name)

    def level(self) -> float:
        """The counter to which an arriving tenant is lifted; it never falls.

        The smallest counter of the waiting tenants or, when none waits, that of the one that
        was the last to.
        """
        first = self.first()
        if first is not None:
            return first.counter
        return self._last_to_leave.counter if self._last_to_leave is not None else 0.0

    def first(self) -> Tenant | None:
        """The waiting tenant with the smallest counter."""
        while (top := self._waiting.first()) is not None:
            key, tenant = top
            if key == tenant.counter:
                return tenant
            # Counters only grow, so that a stale entry is at most too early.
            self._waiting.push(tenant, tenant.counter)
        return None

    def enter(self, name: str) -> Tenant:
        """A request of the tenant starts to wait: lift the counter if it is the first."""
        tenant = self._tenants.setdefault(name, Tenant(name))
        if tenant not in self._waiting:
            # Time in which a tenant asked for nothing is no credit.
            tenant.counter = max(tenant.counter, self.level())
            self._idle.discard(tenant)
            self._waiting.push(tenant, tenant.counter)
        return tenant

    def settle(self, tenant: Tenant) -> None:
        """A request of the tenant stopped waiting or running."""
        if not tenant.requests and tenant in self._waiting:
            self._waiting.discard(tenant)
            if not self._waiting:
                self._last_to_leave = tenant
        if not tenant.requests and not tenant.running:
            self._idle.push(tenant, tenant.counter)
        self._forget()

    def _forget(self) -> None:
        level = self.level()
        while (top := self._idle.first()) is not None and top[0] <= level:
            self._idle.discard(top[1])
            del self._tenants[top[1].name]
