"""How long an answer is expected to be."""

from collections import OrderedDict

from pilotlight_predictor.admission.work import Work

# Close to the mean of chat traces (211 in Azure's 2023 conversations); holds for the first
# requests only.
PRIOR_TOKENS = 256.0
MEMORY = 50
MAX_TENANTS = 1024


class OutputLength:
    """Mean output tokens of one choice, learned per tenant and over all of them.

    The mean, and not the limit, is what a batch holds: of a request that a random step
    finds running, E[X^2] / 2E[X] output tokens are in the cache on average (renewal theory),
    which is E[X] for exponential lengths and less for more regular ones. vLLM's pre-emption
    covers the rest.
    """

    def __init__(self) -> None:
        self._overall = _Mean(PRIOR_TOKENS)
        self._tenants: OrderedDict[str, _Mean] = OrderedDict()

    def expected(self, work: Work) -> int:
        """Output tokens of all choices together, at most what the request allows."""
        mean = self._tenants.get(work.tenant, self._overall)
        return work.sequences * min(work.max_output_tokens, max(1, round(mean.value)))

    def learn(self, work: Work, output_tokens: int) -> None:
        """A request finished with ``output_tokens`` over all its choices."""
        length = output_tokens / work.sequences
        for mean in (self._overall, self._of(work.tenant)):
            # An answer cut off by a limit under the mean says nothing about longer ones.
            if length < work.max_output_tokens or length > mean.value:
                mean.learn(length)

    def _of(self, tenant: str) -> "_Mean":
        mean = self._tenants.pop(tenant, None) or _Mean(self._overall.value)
        self._tenants[tenant] = mean
        if len(self._tenants) > MAX_TENANTS:
            self._tenants.popitem(last=False)
        return mean


class _Mean:
    """Average of all lengths at first, then of the last ``MEMORY`` or so."""

    __slots__ = ("_seen", "value")

    def __init__(self, prior: float) -> None:
        self.value = prior
        self._seen = 1

    def learn(self, length: float) -> None:
        self._seen = min(self._seen + 1, MEMORY)
        self.value += (length - self.value) / self._seen
