"""Buckets of one process."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache

from pilotlight_transformer.limits.bucket import Level, Limit, wait_s
from pilotlight_transformer.limits.charge import Bucket, Charge, Correction, Taken, Verdict

MAX_BUCKETS = 100_000


class LocalBuckets:
    """Keeps the buckets that were used last.

    A bucket that is forgotten is full when it is asked for again; ``most`` is far above the
    number of callers of one process at a time.

    Args:
        processes: How many share the limits; each lets its share pass.
        most: Number of buckets that are kept.
    """

    def __init__(self, processes: int = 1, most: int = MAX_BUCKETS) -> None:
        self._most = most
        self._levels: OrderedDict[str, Level] = OrderedDict()
        self._share: Callable[[Limit], Limit] = _whole
        if processes > 1:
            self._share = lru_cache(1024)(lambda limit: limit.share(processes))

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, charges: Sequence[Charge], now: float) -> Verdict:
        """Take every charge, or none."""
        tried: list[tuple[Level, Taken]] = []
        admitted = True
        for charge in charges:
            limit = self._share(charge.bucket.limit)
            level = self._level(charge.bucket, limit, now)
            amount = limit.amount(charge.least, charge.wanted)
            wait = None if amount is None else wait_s(limit, level.tokens, amount)
            admitted = admitted and wait == 0
            tried.append((level, Taken(charge.bucket, limit, amount or 0.0, level.tokens, wait)))
        if not admitted:
            return Verdict(False, [taken for _, taken in tried], "local")
        return Verdict(True, [self._less(level, taken) for level, taken in tried], "local")

    def settle(self, corrections: Sequence[Correction], now: float) -> None:
        """Correct what was taken, by what was used in truth."""
        for correction in corrections:
            limit = self._share(correction.bucket.limit)
            level = self._level(correction.bucket, limit, now)
            self._keep(correction.bucket, level.less(correction.amount, limit))

    def _level(self, bucket: Bucket, limit: Limit, now: float) -> Level:
        known = self._levels.get(bucket.key)
        return Level(limit.burst, now) if known is None else known.later(limit, now)

    def _less(self, level: Level, taken: Taken) -> Taken:
        left = level.less(taken.amount, taken.limit)
        self._keep(taken.bucket, left)
        return Taken(taken.bucket, taken.limit, taken.amount, left.tokens, 0.0)

    def _keep(self, bucket: Bucket, level: Level) -> None:
        self._levels[bucket.key] = level
        self._levels.move_to_end(bucket.key)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)


def _whole(limit: Limit) -> Limit:
    return limit
