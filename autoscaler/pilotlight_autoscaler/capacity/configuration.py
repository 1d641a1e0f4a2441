"""What was measured of one replica."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lengths:
    """Tokens of one request, on average.

    Args:
        prompt: Tokens in.
        output: Tokens out.
    """

    prompt: float
    output: float

    def __str__(self) -> str:
        return f"{self.prompt:,.0f} tokens in, {self.output:,.0f} out"

    def near(self, other: "Lengths") -> bool:
        """Within a tenth of each other: what was measured holds as it is."""
        return (
            abs(self.prompt - other.prompt) <= 0.1 * self.prompt
            and abs(self.output - other.output) <= 0.1 * self.output
        )


@dataclass(frozen=True)
class Point:
    """A replica with so many requests in flight, in steady state.

    Args:
        concurrency: Requests in flight, on average.
        output_tokens_per_s: Of all of them together.
        ttft_p99_s: 99th percentile of the time to the first token.
        tpot_p99_s: 99th percentile of a request's mean time for each further token.
        e2e_p99_s: 99th percentile of the whole request; ``None``: not measured.
    """

    concurrency: float
    output_tokens_per_s: float
    ttft_p99_s: float
    tpot_p99_s: float
    e2e_p99_s: float | None = None


@dataclass(frozen=True)
class Configuration:
    """One way to run a replica, and what was measured of it.

    Args:
        name: Unique in a profile.
        gpu: Kind of GPU, in words.
        gpus: GPUs of one replica.
        tensor_parallel: GPUs that share each layer.
        lengths: Of the requests that it was measured with.
        points: By rising concurrency; none if only speeds at full load are known.
        price_per_gpu_hour: In any currency; ``None``: unknown.
        start_s: From asking for a replica until it serves; ``None``: unknown.
        kv_cache_tokens: Tokens that the KV cache holds; ``None``: unknown.
        max_num_seqs: Requests that the engine runs at a time; ``None``: unknown.
        prefill_tokens_per_s: Prompt tokens a second at full load, with nothing else to do.
        decode_tokens_per_s: Output tokens a second at full load, with nothing else to do.
        notes: What a reader of the plan must know of these figures.
    """

    name: str
    gpu: str
    gpus: int
    tensor_parallel: int
    lengths: Lengths
    points: tuple[Point, ...]
    price_per_gpu_hour: float | None = None
    start_s: float | None = None
    kv_cache_tokens: float | None = None
    max_num_seqs: int | None = None
    prefill_tokens_per_s: float | None = None
    decode_tokens_per_s: float | None = None
    notes: tuple[str, ...] = ()
