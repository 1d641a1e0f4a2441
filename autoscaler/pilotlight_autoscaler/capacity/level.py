"""A replica at one concurrency, answering requests of the planned lengths."""

from dataclasses import dataclass

from pilotlight_autoscaler.capacity.configuration import Configuration, Lengths, Point
from pilotlight_autoscaler.capacity.traffic import Limits, Sizes


@dataclass(frozen=True)
class Level:
    """What a replica does with so many requests in flight.

    Args:
        concurrency: Requests in flight.
        requests_per_s: That it completes.
        ttft_s: 99th percentile of the time to the first token.
        tpot_s: 99th percentile of the time for each further token.
        e2e_s: 99th percentile of the whole request.
    """

    concurrency: float
    requests_per_s: float
    ttft_s: float
    tpot_s: float
    e2e_s: float

    @property
    def residence_s(self) -> float:
        """Mean time of a request: what is in flight over what is completed (Little's law)."""
        return self.concurrency / self.requests_per_s

    def excess(self, limits: Limits) -> float:
        """The worst ratio of a time to its limit; at most 1 where all limits are kept."""
        pairs = (
            (self.ttft_s, limits.ttft_s),
            (self.e2e_s, limits.e2e_s),
            (self.tpot_s, limits.tpot_s),
        )
        return max((time / limit for time, limit in pairs if limit is not None), default=0.0)

    def __str__(self) -> str:
        return (
            f"{self.concurrency:,.0f} at a time with P99 of {self.ttft_s:.3g} s to the first "
            f"token, {self.e2e_s:.3g} s end to end, {self.tpot_s * 1e3:.3g} ms a token"
        )


def levels(configuration: Configuration, sizes: Sizes) -> tuple[Level, ...]:
    """The measured points as levels, by rising concurrency; no time falls from one to the next.

    Lengths that differ from the measured ones by more than a tenth are converted
    (``converted``). A whole request's 99th percentile is the measured one if lengths are as
    measured and do not scatter further; else that of the first token plus that of a token for
    each other token of a long answer, which is no less where slow first tokens and slow tokens
    fall together, as they do.
    """
    as_measured = configuration.lengths.near(sizes.mean)
    found: list[Level] = []
    for point in configuration.points:
        level = _level(configuration, point, sizes, as_measured)
        before = found[-1] if found else level
        found.append(
            Level(
                level.concurrency,
                level.requests_per_s,
                max(level.ttft_s, before.ttft_s),
                max(level.tpot_s, before.tpot_s),
                max(level.e2e_s, before.e2e_s),
            )
        )
    return tuple(found)


def _level(configuration: Configuration, point: Point, sizes: Sizes, as_measured: bool) -> Level:
    rate = point.output_tokens_per_s / configuration.lengths.output
    ttft, tpot = point.ttft_p99_s, point.tpot_p99_s
    if not as_measured:
        rate, ttft, tpot = converted(configuration, point, sizes.mean)
    scattered = sizes.long_prompt / sizes.mean.prompt if sizes.mean.prompt else 1.0
    ttft *= scattered
    e2e = ttft + tpot * max(sizes.long_output - 1, 0)
    if as_measured and point.e2e_p99_s is not None and not (sizes.output_cv or sizes.prompt_cv):
        e2e = point.e2e_p99_s
    return Level(point.concurrency, rate, ttft, tpot, e2e)


def converted(
    configuration: Configuration, point: Point, lengths: Lengths
) -> tuple[float, float, float]:
    """A point with requests of other lengths: requests a second, P99 of TTFT and of TPOT.

    A request costs the replica 1 / rate seconds: its prompt over the prefill speed, and the rest
    for its output tokens. Each part grows with its tokens. The first token waits for prompts:
    its time grows with the prompt's length, and does not shrink. A token's time grows with what
    the whole request takes beyond its first token.

    Raises:
        ValueError: The prefill speed is not known, or more than the whole cost is prefill.
    """
    speed = configuration.prefill_tokens_per_s
    if speed is None:
        raise ValueError(
            f"it was measured with {configuration.lengths}, and without "
            f"prefillTokensPerSecond nothing can be said of {lengths}: measure that"
        )
    was = configuration.lengths
    cost = was.output / point.output_tokens_per_s
    output_cost = cost - was.prompt / speed
    if output_cost <= 0:
        raise ValueError(
            f"prefillTokensPerSecond ({speed:,.0f}) is below what was measured at concurrency "
            f"{point.concurrency:g}"
        )
    new_cost = lengths.prompt / speed + output_cost * lengths.output / was.output
    ttft = point.ttft_p99_s * max(1.0, lengths.prompt / was.prompt)
    per_token = (new_cost / lengths.output) / (cost / was.output)
    return 1 / new_cost, ttft, point.tpot_p99_s * max(1.0, per_token)
