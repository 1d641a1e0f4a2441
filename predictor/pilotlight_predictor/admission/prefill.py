"""The prompts that the engine has but has not processed yet."""

from pilotlight_predictor.admission.rate import Load, ServiceRate
from pilotlight_predictor.admission.request import Request


class Prefill:
    """Bounds what waits inside the engine, where no order of ours reaches it.

    An engine takes whatever has room in its cache, and processes the prompts first come, first
    served, a step's worth at a time. Past two steps' worth a prompt waits as well in the queue,
    where it keeps its place by class, share and length, and where arrivals see how long.

    Args:
        max_tokens: Most prompt tokens that wait there; None: no bound. One prompt alone may be
            longer.
    """

    def __init__(self, max_tokens: int | None) -> None:
        self._max_tokens = max_tokens
        self._waiting: dict[int, int] = {}
        self._credit = 0
        self._rate = ServiceRate()
        self.tokens = 0

    def fits(self, prompt_tokens: int) -> bool:
        """Whether a prompt may go to the engine now."""
        if self._max_tokens is None or not self._waiting:
            return True
        return self.tokens + prompt_tokens <= self._max_tokens

    def seed(self, tokens_per_s: float) -> None:
        """Start from a known rate of prompt tokens."""
        self._rate.seed(tokens_per_s)

    def start(self, request: Request) -> None:
        """The engine gets a prompt."""
        if self._max_tokens is not None:
            self._waiting[request.work.id] = request.work.prompt_tokens
            self.tokens += request.work.prompt_tokens

    def leave(self, request: Request) -> None:
        """A request ended: its prompt waits no more."""
        self.tokens -= self._waiting.pop(request.work.id, 0)

    def processed(self, tokens: int) -> list[int]:
        """The engine has completed prompts of so many tokens, the oldest first.

        Returns:
            The ids of the works whose prompts these are.
        """
        self._rate.serve(tokens)
        self._credit += tokens
        done: list[int] = []
        while self._waiting:
            oldest = next(iter(self._waiting))
            if self._credit < self._waiting[oldest]:
                return done
            self._credit -= self._waiting[oldest]
            self.tokens -= self._waiting.pop(oldest)
            done.append(oldest)
        self._credit = 0
        return done

    def advance(self, now: float, *, others_wait: bool) -> None:
        """Time passes; the rate is learned from what is busy."""
        load = Load.SATURATED if others_wait else Load.BUSY
        self._rate.advance(now, load if self._waiting else Load.IDLE)

    @property
    def wait_s(self) -> float:
        """Seconds until all that waits there is processed; 0 while the rate is unknown."""
        return self.tokens / self._rate.value if self._rate.value else 0.0
