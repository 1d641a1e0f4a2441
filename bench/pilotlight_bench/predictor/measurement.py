"""One load on one peer, and what it says."""

from collections.abc import Sequence
from dataclasses import dataclass

from pilotlight_bench.load.outcome import Outcome
from pilotlight_bench.quantiles import Quantiles
from pilotlight_bench.result import Row


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one load on one peer gave.

    Args:
        peer: Who served it.
        round: From 0.
        concurrency: Clients of a closed loop; None for an open loop.
        outcome: The answers.
        other_cores: Cores that processes outside the measurement kept busy meanwhile.
    """

    peer: str
    round: int
    concurrency: int | None
    outcome: Outcome
    other_cores: float = 0.0

    @property
    def ttft_s(self) -> Quantiles:
        """Time to first token, in seconds."""
        return Quantiles.of(self.outcome.ttfts_s())

    @property
    def itl_s(self) -> Quantiles:
        """Inter-token time, in seconds."""
        return Quantiles.of(self.outcome.itls_s())

    def row(self) -> Row:
        """The raw figures: per request all but the single inter-token times."""
        return {
            "peer": self.peer,
            "round": self.round,
            "concurrency": self.concurrency,
            "duration_s": round(self.outcome.duration_s, 3),
            "output_tokens_per_s": round(self.outcome.output_tokens_per_s, 2),
            "requests_per_s": round(self.outcome.requests_per_s, 3),
            "itl_p50_p95_p99_s": _rounded(self.itl_s),
            "ttft_p50_p95_p99_s": _rounded(self.ttft_s),
            "generator_cpu_s": round(self.outcome.generator_cpu_s, 2),
            "other_cores": round(self.other_cores, 3),
            "errors": _errors(self.outcome),
            "requests": [
                [
                    round(answer.at_s, 3),
                    answer.prompt_tokens,
                    answer.output_tokens,
                    round(answer.ttft_s, 4),
                    round(answer.latency_s, 3),
                    int(answer.ok),
                ]
                for answer in self.outcome.answers
            ],
        }


REQUEST_COLUMNS = ("at_s", "prompt_tokens", "output_tokens", "ttft_s", "latency_s", "ok")


def of(measurements: Sequence[Measurement], peer: str, concurrency: int) -> list[Measurement]:
    """A peer's closed loops of one concurrency, by round."""
    return [m for m in measurements if m.peer == peer and m.concurrency == concurrency]


def _rounded(quantiles: Quantiles) -> list[float]:
    return [round(value, 4) for value in (quantiles.p50, quantiles.p95, quantiles.p99)]


def _errors(outcome: Outcome) -> dict[str, int]:
    counts: dict[str, int] = {}
    for answer in outcome.answers:
        if answer.error:
            counts[answer.error] = counts.get(answer.error, 0) + 1
    return counts
