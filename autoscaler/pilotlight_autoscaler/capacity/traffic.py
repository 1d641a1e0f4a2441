"""What is asked of the service, and what it promises."""

from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import NormalDist

from pilotlight_autoscaler.capacity.configuration import Lengths


@dataclass(frozen=True)
class Limits:
    """What 99 of 100 requests must keep, in seconds; ``None``: nothing is promised.

    Args:
        ttft_s: From sending a request to its first token.
        e2e_s: From sending a request to its last token.
        tpot_s: For each token after the first, on average over a request.
    """

    ttft_s: float | None = None
    e2e_s: float | None = None
    tpot_s: float | None = None

    def __str__(self) -> str:
        named = (("TTFT", self.ttft_s), ("end to end", self.e2e_s), ("TPOT", self.tpot_s))
        said = [f"{name} {limit:g} s" for name, limit in named if limit is not None]
        return ", ".join(said) or "none"


@dataclass(frozen=True)
class Sizes:
    """Lengths of requests: means, and how far they scatter.

    Args:
        mean: Tokens of an average request.
        prompt_cv: Standard deviation over the mean of the prompt's tokens.
        output_cv: The same of the answer's.
    """

    mean: Lengths
    prompt_cv: float = 0.0
    output_cv: float = 0.0

    @property
    def long_output(self) -> float:
        """99 of 100 answers are no longer (tokens)."""
        return quantile(self.mean.output, self.output_cv, 0.99)

    @property
    def long_prompt(self) -> float:
        """99 of 100 prompts are no longer (tokens)."""
        return quantile(self.mean.prompt, self.prompt_cv, 0.99)


@dataclass(frozen=True)
class Traffic:
    """Users who wait for each answer and then think (closed), or a stream of requests (open).

    Args:
        sizes: Of the requests.
        users: At the mean of the day; ``None`` in an open system.
        think_s: From an answer to the same user's next request.
        requests_per_s: At the mean of the day; ``None`` in a closed system.
        peak_to_mean: The plan is made for so many times the mean.
        ramp_s: The load rises from its low to its peak in so many seconds; ``None``: unknown.
    """

    sizes: Sizes
    users: float | None = None
    think_s: float = 0.0
    requests_per_s: float | None = None
    peak_to_mean: float = 1.0
    ramp_s: float | None = None

    def load(self, residence_s: float) -> "Load":
        """The load at the peak, of requests that each take ``residence_s``.

        The interactive response time law: a rate of N / (R + Z) (Denning and Buzen, 1978).
        """
        if self.users is None:
            rate = (self.requests_per_s or 0.0) * self.peak_to_mean
            return Load(rate, rate * residence_s, None)
        users = self.users * self.peak_to_mean
        rate = users / (residence_s + self.think_s)
        return Load(rate, rate * residence_s, users)

    @property
    def low(self) -> float:
        """Where a ramp to the peak begins, as a share of the peak: the mean, or nothing."""
        return 1.0 / self.peak_to_mean if self.peak_to_mean > 1 else 0.0


@dataclass(frozen=True)
class Load:
    """A steady load.

    Args:
        requests_per_s: That arrive and are answered.
        in_flight: Of them, on average, at any time.
        users: Of a closed system.
    """

    requests_per_s: float
    in_flight: float
    users: float | None


def quantile(mean: float, cv: float, share: float) -> float:
    """Of a log-normal quantity with that mean and coefficient of variation."""
    if cv <= 0:
        return mean
    variance = log(1 + cv * cv)
    return mean * exp(NormalDist().inv_cdf(share) * sqrt(variance) - variance / 2)
