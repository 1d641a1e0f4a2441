"""Request lengths of real traffic, scaled to a model's context."""

import csv
import gzip
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pilotlight.errors import UsageError


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of one request.

    Args:
        prompt: Tokens in.
        output: Tokens out.
    """

    prompt: int
    output: int


@dataclass(frozen=True, slots=True)
class Scale:
    """How lengths of a trace become lengths for a model.

    Args:
        factor: What both lengths are multiplied with.
        max_output: Upper bound of the output, in tokens, after scaling.
    """

    factor: float
    max_output: int

    def apply(self, lengths: Lengths) -> Lengths:
        """The scaled lengths, at least one token each."""
        return Lengths(
            prompt=max(1, round(lengths.prompt * self.factor)),
            output=min(self.max_output, max(1, round(lengths.output * self.factor))),
        )


def read_azure_trace(path: Path) -> list[Lengths]:
    """The lengths in a trace of Azure's LLM inference service (ContextTokens, GeneratedTokens).

    Raises:
        UsageError: The file is missing or is not such a trace.
    """
    try:
        with gzip.open(path, "rt", newline="") as lines:
            rows = [
                Lengths(int(row["ContextTokens"]), int(row["GeneratedTokens"]))
                for row in csv.DictReader(lines)
            ]
    except (OSError, KeyError, ValueError) as error:
        raise UsageError(
            f"{path} cannot be read as an Azure LLM trace ({error!r}): "
            "name a CSV file in gzip with ContextTokens and GeneratedTokens by --trace"
        ) from error
    if not rows:
        raise UsageError(f"{path} holds no request: name another trace by --trace")
    return rows


def scale_to_context(trace: Sequence[Lengths], context: int, max_output: int) -> Scale:
    """The one factor with which the trace's longest request just fits the context.

    One factor for all keeps the shape of the distribution, and the ratio of input to output.

    Args:
        trace: Lengths as recorded.
        context: The model's context, in tokens.
        max_output: Upper bound of the output, in tokens, after scaling.
    """
    longest = max(lengths.prompt + lengths.output for lengths in trace)
    # Rounding may add half a token to each length.
    return Scale(factor=min(1.0, (context - 1) / longest), max_output=max_output)


def sample(trace: Sequence[Lengths], count: int, scale: Scale, seed: str) -> list[Lengths]:
    """``count`` scaled requests, drawn with replacement; the same for the same seed."""
    drawn = random.Random(seed).choices(trace, k=count)
    return [scale.apply(lengths) for lengths in drawn]
