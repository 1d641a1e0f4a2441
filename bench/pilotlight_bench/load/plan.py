"""What is sent, and when."""

import random
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from pilotlight_bench.load.prompts import prompt, words_of_one_token
from pilotlight_bench.load.trace import Lengths, Scale, sample


class Request(BaseModel):
    """One streaming completion.

    Args:
        prompt: The text sent.
        prompt_tokens: Its length as planned.
        output_tokens: Exactly so many are generated.
        at_s: Arrival, in seconds from the start; 0 in a closed loop.
    """

    model_config = ConfigDict(frozen=True)

    prompt: str
    prompt_tokens: int
    output_tokens: int
    at_s: float = 0.0


class Load(BaseModel):
    """Requests and their discipline.

    Args:
        requests: In order of arrival.
        concurrency: A closed loop with so many clients; None is an open loop by ``at_s``.
    """

    model_config = ConfigDict(frozen=True)

    requests: tuple[Request, ...]
    concurrency: int | None = None


class Workload:
    """Draws loads from one trace for one model.

    Args:
        trace: Lengths as recorded.
        scale: Brings them to the model's size.
        model_dir: Where the model's tokenizer lies.
        seed: Two workloads of one seed draw the same.
    """

    def __init__(self, trace: Sequence[Lengths], scale: Scale, model_dir: Path, seed: int) -> None:
        self.scale = scale
        self._trace = trace
        self._words = words_of_one_token(model_dir)
        self._seed = seed

    def closed(self, concurrency: int, count: int, draw: int) -> Load:
        """``count`` requests by ``concurrency`` clients; ``draw`` numbers independent samples."""
        arrivals = [0.0] * count
        return Load(
            requests=self._requests(arrivals, f"closed{concurrency}", draw), concurrency=concurrency
        )

    def poisson(self, rate: float, duration_s: float, draw: int) -> Load:
        """Arrivals at ``rate`` per second for ``duration_s`` seconds, whatever the server does."""
        arrivals = poisson_arrivals(rate, duration_s, f"{self._seed}/{draw}")
        return Load(requests=self._requests(arrivals, "poisson", draw))

    def _requests(self, arrivals: Sequence[float], kind: str, draw: int) -> tuple[Request, ...]:
        name = f"{self._seed}/{kind}/{draw}"
        lengths = sample(self._trace, len(arrivals), self.scale, name)
        return tuple(
            Request(
                prompt=prompt(self._words, length.prompt, f"{name}/{index}"),
                prompt_tokens=length.prompt,
                output_tokens=length.output,
                at_s=at_s,
            )
            for index, (length, at_s) in enumerate(zip(lengths, arrivals, strict=True))
        )


def poisson_arrivals(rate: float, duration_s: float, seed: str) -> list[float]:
    """Arrival times in [0, ``duration_s``) of a Poisson process of ``rate`` per second."""
    draw = random.Random(seed)
    arrivals: list[float] = []
    at_s = draw.expovariate(rate)
    while at_s < duration_s:
        arrivals.append(at_s)
        at_s += draw.expovariate(rate)
    return arrivals
