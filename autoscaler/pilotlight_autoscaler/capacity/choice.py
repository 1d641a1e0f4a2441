"""Which configurations are compared, with what the command line knows better."""

from collections.abc import Sequence
from dataclasses import replace

from pilotlight.errors import UsageError
from pilotlight_autoscaler.capacity.configuration import Configuration, Lengths


def choose(
    configurations: Sequence[Configuration],
    names: Sequence[str],
    price: float | None,
    start_s: float | None,
) -> tuple[Configuration, ...]:
    """Those of these names (all, if there are none), with price and start time replaced.

    Raises:
        UsageError: There is none of that name.
    """
    known = {each.name: each for each in configurations}
    missing = [name for name in names if name not in known]
    if missing:
        raise UsageError(
            f"no configuration {missing[0]!r} in the profile: it has {', '.join(known)}"
        )
    chosen = [known[name] for name in names] or list(configurations)
    if price is not None:
        chosen = [replace(each, price_per_gpu_hour=price) for each in chosen]
    if start_s is not None:
        chosen = [replace(each, start_s=start_s) for each in chosen]
    return tuple(chosen)


def lengths_of(configuration: Configuration, prompt: float | None, output: float | None) -> Lengths:
    """What is planned for: as given, else as measured.

    Raises:
        UsageError: Neither is known.
    """
    prompt = prompt or configuration.lengths.prompt
    output = output or configuration.lengths.output
    if not (prompt and output):
        raise UsageError(
            f"{configuration.name} was not measured with requests: give --prompt-tokens and "
            "--output-tokens"
        )
    return Lengths(prompt, output)
