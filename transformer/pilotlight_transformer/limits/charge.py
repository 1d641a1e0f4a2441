"""What one request takes of its buckets, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pilotlight_transformer.limits.bucket import Limit

Per = Literal["key", "tenant", "model"]
Of = Literal["requests", "tokens"]
Place = Literal["shared", "local"]


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket of one caller.

    Attributes:
        key: Its name in the store, of bounded length, without anybody's name in it.
    """

    per: Per
    of: Of
    key: str
    limit: Limit


class Charge(NamedTuple):
    """What a request takes of a bucket.

    Attributes:
        least: Less would be no use: a prompt's tokens.
        wanted: With what is set aside for the answer.
    """

    bucket: Bucket
    least: float
    wanted: float


class Taken(NamedTuple):
    """A charge after it was tried.

    Attributes:
        limit: As the store applies it: a process may have a share only.
        amount: What was taken, or would have been.
        left: What the bucket holds now.
        wait_s: Until it holds ``amount``; 0 if it did; ``None`` if it never can.
    """

    bucket: Bucket
    limit: Limit
    amount: float
    left: float
    wait_s: float | None


class Verdict(NamedTuple):
    """Whether a request passes; all its charges are taken, or none.

    Attributes:
        place: Where they were taken: only there may they be settled.
    """

    admitted: bool
    taken: Sequence[Taken]
    place: Place


class Correction(NamedTuple):
    """What a bucket is to lose after all; negative: to get back."""

    bucket: Bucket
    amount: float
