"""How much work the engine holds at once, and how much of it is taken."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of admission. Sizes in tokens, times in seconds.

    Args:
        kv_tokens: Tokens that the KV cache really holds.
        max_running: Sequences that the engine runs at once (vLLM's ``max_num_seqs``).
        max_queue_tokens: Most tokens that may wait (prompts and expected outputs).
        max_queue_wait_s: Longest expected wait at which a request is still accepted.
        batch_share: Least part of the dispatched cost that batch work gets while both
            classes wait.
        input_weight: Cost of a prompt token.
        output_weight: Cost of an output token; 1 and 2 as in VTC (arXiv 2401.00588, 5.1).
        kv_full: KV use (0 to 1) from which nothing more is dispatched.
        max_bypass: How many times its own tokens may pass a request that does not fit.
        max_prefill_tokens: Prompt tokens that may wait inside the engine; None: no bound.
        max_overtaken_s: Of one tenant's requests, one that arrives this much later goes later.

    Raises:
        ValueError: A bound that cannot be kept; the message names it.
    """

    kv_tokens: int
    max_running: int
    max_queue_tokens: int
    max_queue_wait_s: float = 30.0
    batch_share: float = 0.1
    input_weight: float = 1.0
    output_weight: float = 2.0
    kv_full: float = 0.95
    max_bypass: float = 2.0
    max_overtaken_s: float = 10.0
    max_prefill_tokens: int | None = None

    def __post_init__(self) -> None:
        for name in ("kv_tokens", "max_running", "input_weight", "output_weight", "kv_full"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")
        for name in ("max_queue_tokens", "max_queue_wait_s", "max_bypass", "max_overtaken_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative: {getattr(self, name)}")
        if not 0 <= self.batch_share < 1:
            raise ValueError(f"batch_share must be at least 0 and below 1, not {self.batch_share}")

    def cost(self, prompt_tokens: float, output_tokens: float) -> float:
        """Weighted tokens: what a request takes from the engine (VTC's cost function)."""
        return self.input_weight * prompt_tokens + self.output_weight * output_tokens

    @property
    def fairness_bound(self) -> float:
        """VTC's U = max(w_p L_input, w_q M), no prompt being longer than the cache M."""
        return max(self.input_weight, self.output_weight) * self.kv_tokens


@dataclass(frozen=True, slots=True)
class EngineObservation:
    """What the engine says of itself: the part of the KV cache in use, 0 to 1."""

    kv_usage: float


class Capacity:
    """What the running requests have taken of the engine."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.sequences = 0
        self.reserved_tokens = 0
        self.kv_usage = 0.0

    def fits(self, sequences: int, tokens: int) -> bool:
        """Whether a request can start now."""
        # An idle engine's last report is stale, and would stop everything for good.
        if self.sequences and self.kv_usage >= self._limits.kv_full:
            return False
        return (
            self.sequences + sequences <= self._limits.max_running
            and self.reserved_tokens + tokens <= self._limits.kv_tokens
        )

    def take(self, sequences: int, tokens: int) -> None:
        """A request starts."""
        self.sequences += sequences
        self.reserved_tokens += tokens

    def grow(self, tokens: int) -> None:
        """A running request became longer than expected."""
        self.reserved_tokens += tokens

    def give_back(self, sequences: int, tokens: int) -> None:
        """A request ended."""
        self.sequences -= sequences
        self.reserved_tokens -= tokens
