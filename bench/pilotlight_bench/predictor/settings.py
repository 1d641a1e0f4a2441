"""Every choice that the figures of benchmark ``predictor`` depend on."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict


class ClosedLoop(BaseModel):
    """Clients that send the next request when the last one is answered.

    Args:
        concurrency: How many clients.
        requests: How many requests in all, per round and side.
    """

    model_config = ConfigDict(frozen=True)

    concurrency: int
    requests: int


class Overload(BaseModel):
    """Poisson arrivals, whatever the server does.

    Args:
        factor: Arrivals per second over plain vLLM's capacity.
        duration_s: How long requests arrive.
        ttft_limit_s: A first token later than this is worth nothing.
    """

    model_config = ConfigDict(frozen=True)

    factor: float = 2.0
    duration_s: float = 60.0
    ttft_limit_s: float = 5.0


class Plan(BaseModel):
    """How much is measured.

    Args:
        rounds: Closed loops are repeated, sides alternating.
        closed: Closed loops of one round; the last is the one the capacity is taken from.
        overload: What follows.
        warmup_requests: Uncounted, whenever a side gets its turn.
        load_timeout_s: No load may take longer.
        start_timeout_s: No server may take longer to its first answer.
    """

    model_config = ConfigDict(frozen=True)

    rounds: int
    closed: tuple[ClosedLoop, ...]
    overload: Overload
    warmup_requests: int = 4
    load_timeout_s: float = 300.0
    start_timeout_s: float = 180.0


FULL = Plan(
    rounds=3,
    closed=(
        ClosedLoop(concurrency=1, requests=8),
        ClosedLoop(concurrency=8, requests=32),
        ClosedLoop(concurrency=100, requests=200),
    ),
    overload=Overload(),
)

QUICK = Plan(
    rounds=1,
    closed=(
        ClosedLoop(concurrency=1, requests=2),
        ClosedLoop(concurrency=8, requests=16),
    ),
    overload=Overload(duration_s=12.0, ttft_limit_s=2.0),
    warmup_requests=1,
)


class Inputs(BaseModel):
    """What is measured, and with what load.

    Args:
        model: The model's folder.
        trace: Where the lengths come from.
        engine: Engine arguments, the same for every peer.
        environment: Variables for every peer.
        context: The model's context, in tokens, that the trace is scaled to.
        max_output: Upper bound of an answer's length, in tokens.
        seed: Of lengths, prompts and arrivals.
    """

    model_config = ConfigDict(frozen=True)

    model: Path
    trace: Path
    engine: tuple[str, ...]
    environment: dict[str, str]
    context: int = 2048
    max_output: int = 128
    seed: int = 0
