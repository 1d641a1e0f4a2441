"""What a client is told when its request arrives."""

import math
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a request was turned away."""

    QUEUE_FULL = "queue_full"
    WAIT_TOO_LONG = "wait_too_long"
    DEADLINE = "deadline"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Decision:
    """Accepted when ``reason`` is None.

    Args:
        expected_wait_s: Seconds that the request was expected to wait for the engine.
        reason: Why it was rejected.
        retry_after_s: Whole seconds after which a retry may succeed; None when none can.
        message: A sentence for the client, with the numbers that decided.
    """

    expected_wait_s: float
    reason: Reason | None = None
    retry_after_s: int | None = None
    message: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the request may wait."""
        return self.reason is None


def too_large(needed: int, kv_tokens: int) -> Decision:
    """The prompt and one token of the answer exceed the whole KV cache."""
    return Decision(
        0.0,
        Reason.TOO_LARGE,
        None,
        f"the prompt and one token of the answer need {needed} tokens, but the whole KV cache "
        f"holds {kv_tokens}: shorten the prompt",
    )


def queue_full(tokens: int, held: int, part: int, wait_s: float, free_in_s: float) -> Decision:
    """The queue has no room left for this tenant.

    Args:
        tokens: What the request would add.
        held: Tokens of the tenant that wait.
        part: Most tokens of the tenant that may wait now.
        wait_s: The expected wait.
        free_in_s: Seconds until the room is expected to be there.
    """
    retry = _whole_seconds(free_in_s)
    return Decision(
        wait_s,
        Reason.QUEUE_FULL,
        retry,
        f"the request would add {tokens} tokens to {held} that wait, and the queue has room for "
        f"{part} of this tenant: retry in {retry} s",
    )


def wait_too_long(wait_s: float, limit_s: float) -> Decision:
    """The engine would not start the request within the server's limit."""
    retry = _whole_seconds(wait_s - limit_s)
    return Decision(
        wait_s,
        Reason.WAIT_TOO_LONG,
        retry,
        f"the expected wait is {wait_s:.1f} s and the limit {limit_s:.1f} s: retry in {retry} s",
    )


def past_deadline(wait_s: float, patience_s: float) -> Decision:
    """The client would be gone before the engine starts."""
    retry = _whole_seconds(wait_s - patience_s)
    return Decision(
        wait_s,
        Reason.DEADLINE,
        retry,
        f"the expected wait is {wait_s:.1f} s but the deadline is {patience_s:.1f} s away: "
        f"retry in {retry} s or allow more time",
    )


def _whole_seconds(seconds: float) -> int:
    # Retry-After is a whole number (RFC 9110, 10.2.3); 0 would invite an immediate retry.
    return max(1, math.ceil(seconds))
