"""Buckets in Redis: one Lua call for all of a request, exact across replicas.

A script runs alone in Redis, so that nobody else's comes between its reading and its writing. The
time is Redis' own: the replicas' clocks play no part.
"""

from collections.abc import Sequence

from pilotlight_transformer.limits.bucket import wait_s
from pilotlight_transformer.limits.charge import Charge, Correction, Taken, Verdict
from pilotlight_transformer.stores.shared import Shared

# KEYS: the buckets. ARGV: 1 to take only if all have enough, 0 to take in any case; then rate,
# burst and amount for each. Answers 1 or 0, and each bucket's level, as text: a number would lose
# its fraction. A key lives until its bucket is full, for a full bucket is the same as none.
SCRIPT = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local careful, passes = ARGV[1] == '1', 1
local levels, times = {}, {}
for i, key in ipairs(KEYS) do
  local rate, burst = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local known = redis.call('HMGET', key, 'level', 'at')
  local level, at = tonumber(known[1]), tonumber(known[2])
  if level == nil or at == nil then
    level, at = burst, now
  end
  levels[i] = math.min(burst, level + math.max(0, now - at) * rate)
  times[i] = math.max(now, at)
  if careful and levels[i] < tonumber(ARGV[3 * i + 1]) then
    passes = 0
  end
end
local answer = {passes}
for i, key in ipairs(KEYS) do
  local rate, burst = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  if passes == 1 then
    levels[i] = math.min(burst, levels[i] - tonumber(ARGV[3 * i + 1]))
    redis.call('HSET', key, 'level', string.format('%.17g', levels[i]),
      'at', string.format('%.17g', times[i]))
    local full = times[i] - now + (burst - levels[i]) / rate
    redis.call('PEXPIRE', key, string.format('%.0f', math.min(full, 31536000) * 1000 + 1000))
  end
  answer[i + 1] = string.format('%.17g', levels[i])
end
return answer
"""


class SharedBuckets:
    """Keeps buckets in Redis. Raises ``SharedUnavailable`` when it does not answer."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    async def take(self, charges: Sequence[Charge]) -> Verdict:
        """Take every charge, or none."""
        limits = [charge.bucket.limit for charge in charges]
        amounts = [charge.bucket.limit.amount(charge.least, charge.wanted) for charge in charges]
        possible = None not in amounts
        numbers = [amount or 0.0 for amount in amounts]
        if not possible:
            # Nothing is taken, but the levels are wanted for the answer's headers.
            numbers = [0.0] * len(charges)
        passes, levels = await self._run(True, charges, numbers)
        taken = [
            Taken(
                charge.bucket,
                limit,
                amount or 0.0,
                left,
                None if amount is None else 0.0 if passes else wait_s(limit, left, amount),
            )
            for charge, limit, amount, left in zip(charges, limits, amounts, levels, strict=True)
        ]
        return Verdict(passes and possible, taken, "shared")

    async def settle(self, corrections: Sequence[Correction]) -> None:
        """Correct what was taken, by what was used in truth."""
        await self._run(False, corrections, [correction.amount for correction in corrections])

    async def _run(
        self, careful: bool, entries: Sequence[Charge | Correction], amounts: Sequence[float]
    ) -> tuple[bool, list[float]]:
        arguments = ["1" if careful else "0"]
        for entry, amount in zip(entries, amounts, strict=True):
            limit = entry.bucket.limit
            arguments += [repr(limit.rate), repr(limit.burst), repr(amount)]
        keys = [entry.bucket.key for entry in entries]
        passes, *levels = await self._shared.script(SCRIPT, keys, arguments)
        return passes == 1, [float(level) for level in levels]
