"""Results of ``vllm bench serve --save-result``."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pilotlight_autoscaler.capacity.configuration import Lengths, Point

Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class VllmResult(BaseModel):
    """The fields that a plan needs; the names are vLLM's (``vllm/benchmarks/serve.py``)."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    model_id: str
    completed: Annotated[int, Field(ge=1)]
    failed: Annotated[int, Field(ge=0)] = 0
    total_input_tokens: Annotated[int, Field(ge=1)]
    total_output_tokens: Annotated[int, Field(ge=1)]
    request_throughput: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    output_throughput: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    max_concurrency: Annotated[int, Field(ge=1)] | None = None
    mean_ttft_ms: Milliseconds
    p99_ttft_ms: Milliseconds
    mean_tpot_ms: Milliseconds
    p99_tpot_ms: Milliseconds
    mean_e2el_ms: Milliseconds | None = None
    p99_e2el_ms: Milliseconds | None = None

    @property
    def lengths(self) -> Lengths:
        """What an average request was."""
        return Lengths(
            self.total_input_tokens / self.completed, self.total_output_tokens / self.completed
        )

    @property
    def in_flight(self) -> float:
        """Requests that really were in flight: completed per second times their time (Little).

        ``--max-concurrency`` is only what was allowed.
        """
        whole_ms = self.mean_e2el_ms
        if whole_ms is None:
            whole_ms = self.mean_ttft_ms + self.mean_tpot_ms * (self.lengths.output - 1)
        return self.request_throughput * whole_ms / 1e3

    def point(self) -> tuple[Point, tuple[str, ...]]:
        """The point, and what is strange about it."""
        point = Point(
            concurrency=min(self.in_flight, self.max_concurrency or self.in_flight),
            output_tokens_per_s=self.output_throughput,
            ttft_p99_s=self.p99_ttft_ms / 1e3,
            tpot_p99_s=self.p99_tpot_ms / 1e3,
            e2e_p99_s=None if self.p99_e2el_ms is None else self.p99_e2el_ms / 1e3,
        )
        notes = []
        allowed = self.max_concurrency
        if allowed is not None and point.concurrency < 0.85 * allowed:
            notes.append(
                f"of {allowed:,} allowed at a time only {point.concurrency:,.0f} were in flight on "
                "average (Little's law): run it longer, or give the load generator more"
            )
        if self.failed:
            notes.append(
                f"at {point.concurrency:,.0f} at a time {self.failed:,} of "
                f"{self.failed + self.completed:,} requests failed: do not trust the others' times"
            )
        return point, tuple(notes)
