"""The profile file: what was measured, as people write it down."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from pilotlight.api.meta import ApiModel

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class TailRatio(ApiModel):
    """How far the 99th percentile lies above the mean, where only means were published."""

    ttft: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    tpot: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    source: str


class MeasuredPoint(ApiModel):
    """One run at a constant concurrency; times in milliseconds, as `vllm bench serve` prints."""

    concurrency: Positive
    output_tokens_per_second: Positive
    ttft_p99_ms: Positive | None = None
    tpot_p99_ms: Positive | None = None
    e2e_p99_ms: Positive | None = None
    ttft_mean_ms: Positive | None = None
    """Used with `p99OverMean` where the percentile is not known."""
    tpot_mean_ms: Positive | None = None


class Measured(ApiModel):
    """A sweep over concurrencies with requests of one size."""

    prompt_tokens: Positive | None = None
    """Means; raw result files carry their own."""
    output_tokens: Positive | None = None
    source: str = ""
    p99_over_mean: TailRatio | None = None
    points: tuple[MeasuredPoint, ...] = ()
    files: tuple[Path, ...] = ()
    """Results of `vllm bench serve --save-result`, beside this file."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.points and (self.prompt_tokens is None or self.output_tokens is None):
            raise ValueError("points need promptTokens and outputTokens: with what was measured?")
        for point in self.points:
            for name in ("ttft", "tpot"):
                percentile = getattr(point, f"{name}_p99_ms")
                mean = getattr(point, f"{name}_mean_ms")
                if percentile is None and (mean is None or self.p99_over_mean is None):
                    raise ValueError(
                        f"at concurrency {point.concurrency:g} there is no {name}P99Ms: measure "
                        f"it, or give {name}MeanMs and p99OverMean with its source"
                    )
        return self


class ConfigurationEntry(ApiModel):
    """One way to run a replica."""

    name: str
    gpu: str = "GPU"
    tensor_parallel: Count = 1
    gpus_per_replica: Count | None = None
    """`tensorParallel`, if none is given."""
    price_per_gpu_hour: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    start_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """From asking for a replica until it serves."""
    kv_cache_tokens: Positive | None = None
    """vLLM prints it at its start: `GPU KV cache size: 488,000 tokens`."""
    max_num_seqs: Count | None = None
    prefill_tokens_per_second: Positive | None = None
    """At full load, with nothing to decode."""
    decode_tokens_per_second: Positive | None = None
    """At full load, with nothing to prefill."""
    speeds_source: str = ""
    notes: tuple[str, ...] = ()
    measured: Measured = Measured()


class Profile(ApiModel):
    """What one model was measured to do, in one or more configurations."""

    model: str = ""
    configurations: Annotated[tuple[ConfigurationEntry, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [entry.name for entry in self.configurations]
        if len(set(names)) != len(names):
            raise ValueError(f"two configurations have one name: {', '.join(sorted(names))}")
        return self
