"""One of several processes that take from the same buckets as fast as they can.

Arguments: URL of the Redis, rate, burst, seconds. Writes how many tokens it was let use.
"""

import asyncio
import random
import sys
import time

from pilotlight_transformer.limits.bucket import Limit
from pilotlight_transformer.limits.charge import Bucket, Charge, Correction
from pilotlight_transformer.limits.shared import SharedBuckets
from pilotlight_transformer.stores.shared import Shared

AT_ONCE = 4


async def hammer(url: str, limit: Limit, seconds: float) -> float:
    """Take amounts at random, give a part back at random, until the time is over."""
    shared = Shared(url, timeout_s=10)
    buckets = SharedBuckets(shared)
    tokens = Bucket("key", "tokens", "hammered:tokens", limit)
    requests = Bucket("key", "requests", "hammered:requests", Limit(1e6, 1e9))
    until = time.monotonic() + seconds

    async def one() -> float:
        used = 0.0
        while time.monotonic() < until:
            amount = random.randint(1, 20)
            verdict = await buckets.take([Charge(tokens, amount, amount), Charge(requests, 1, 1)])
            if verdict.admitted:
                part = random.randint(0, amount)
                used += part
                await buckets.settle([Correction(tokens, part - amount)])
        return used

    try:
        return sum(await asyncio.gather(*(one() for _ in range(AT_ONCE))))
    finally:
        await shared.close()


if __name__ == "__main__":
    url, rate, burst, seconds = sys.argv[1:]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    used = asyncio.run(hammer(url, Limit(float(rate), float(burst)), float(seconds)))
    sys.stdout.write(f"{used}\n")
