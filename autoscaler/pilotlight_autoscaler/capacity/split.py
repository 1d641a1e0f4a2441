"""Prefill and decode on replicas of their own."""

from dataclasses import dataclass
from math import ceil, log

from pilotlight_autoscaler.capacity.configuration import Configuration, Lengths
from pilotlight_autoscaler.capacity.traffic import Limits


@dataclass(frozen=True)
class Split:
    """How the same work divides.

    Args:
        prefill_s: Of one replica's time, for the prompt of a request.
        decode_s: The same for its answer.
        utilisation: So busy may a prefill replica be.
        prefill: Replicas that only read prompts.
        decode: Replicas that only write answers.
    """

    prefill_s: float
    decode_s: float
    utilisation: float
    prefill: int
    decode: int


def split(
    configuration: Configuration,
    lengths: Lengths,
    requests_per_s: float,
    cost_s: float,
    limits: Limits,
) -> Split | None:
    """Replicas for each part, without spares; ``None``: the prefill speed is not known.

    A prefill replica takes one prompt after the other. As M/M/1, 99 of 100 are through after
    S ln(100) / (1 - u): that bounds how busy it may be for the limit of the first token. The
    transfer of the KV cache is not counted.

    Args:
        configuration: Of both kinds.
        lengths: Of the requests.
        requests_per_s: At the peak.
        cost_s: Of one replica's time that a request takes when one replica does both.
        limits: What is promised.
    """
    speed = configuration.prefill_tokens_per_s
    if speed is None:
        return None
    prefill_s = lengths.prompt / speed
    decode_s = cost_s - prefill_s
    if decode_s <= 0:
        return None
    limit = limits.ttft_s or limits.e2e_s
    utilisation = 0.9 if limit is None else min(0.9, 1 - prefill_s * log(100) / limit)
    if utilisation <= 0:
        return None
    return Split(
        prefill_s,
        decode_s,
        utilisation,
        max(1, ceil(requests_per_s * prefill_s / utilisation - 1e-9)),
        max(1, ceil(requests_per_s * decode_s - 1e-9)),
    )
