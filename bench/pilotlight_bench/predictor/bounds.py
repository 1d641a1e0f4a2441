"""The queue bounds that each peer gets under overload, from what was measured before."""

from collections.abc import Sequence

from pilotlight_bench.load.outcome import Outcome
from pilotlight_bench.quantiles import percentile


def queue_wait_s(ttft_limit_s: float, full: Sequence[Outcome]) -> float:
    """The wait that leaves room for the prefill within the TTFT limit, in seconds.

    Under load a prefill takes a step of the engine that is full of prompt tokens; running
    streams wait for that step too, and show it as their longest inter-token times.

    Args:
        ttft_limit_s: A first token later than this is worth nothing.
        full: Loads at full concurrency.
    """
    gaps = [gap for outcome in full for gap in outcome.itls_s()]
    return max(0.1, round(ttft_limit_s - percentile(gaps, 99), 2))


def queued_tokens(ttft_limit_s: float, full: Sequence[Outcome]) -> int:
    """vLLM's ``--max-num-queued-tokens`` for a TTFT limit.

    Its documentation (vllm/config/scheduler.py) gives target TTFT times prefill throughput; the
    throughput is the one that it sustains while it decodes, too.

    Args:
        ttft_limit_s: A first token later than this is worth nothing.
        full: Loads at full concurrency.
    """
    tokens = sum(answer.prompt_tokens for outcome in full for answer in outcome.completed)
    seconds = sum(outcome.duration_s for outcome in full)
    return max(1, round(ttft_limit_s * tokens / seconds))
