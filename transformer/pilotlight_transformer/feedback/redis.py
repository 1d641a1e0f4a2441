"""Feedback in Redis, for all replicas; labels are a stream."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import redis as sync_redis
import redis.exceptions

from pilotlight.errors import OperationError, Unavailable, UsageError
from pilotlight_transformer.feedback.answered import Answered, Text
from pilotlight_transformer.feedback.given import Feedback
from pilotlight_transformer.feedback.packing import packed, unpacked
from pilotlight_transformer.feedback.store import (
    Accepted,
    Bounds,
    Entry,
    TooManyChanges,
    UnknownAnswer,
)
from pilotlight_transformer.stores.shared import Shared, SharedUnavailable

T = TypeVar("T")

_SPACE = "pilotlight:{feedback}"
"""The braces keep all of it on one node of a cluster: one script changes several keys."""
STREAM = f"{_SPACE}:labels"
READER = f"{_SPACE}:reader"
TIMEOUT_S = 5.0

_NOTE = """
if ARGV[1] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'facts', ARGV[2])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'text', ARGV[3]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""
# A script may have run although its answer was lost, and then it is sent again: feedback that is
# the last one already is told so a second time. Numbers and texts stay as they are written: Lua
# would round them.
_GIVE = """
local facts = redis.call('HGET', KEYS[1], 'facts')
if not facts then return {'unknown'} end
local last = redis.call('HGET', KEYS[1], 'last')
if last == ARGV[1] then
  return {'kept', facts, redis.call('HGET', KEYS[1], 'changes'),
          redis.call('HGET', KEYS[1], 'first')}
end
local changes = tonumber(redis.call('HGET', KEYS[1], 'changes') or '0')
if changes >= tonumber(ARGV[2]) then return {'often'} end
local first = ''
if ARGV[3] == '1' and redis.call('HSETNX', KEYS[1], 'scored', '1') == 1 then first = 's' end
if ARGV[4] == '1' and redis.call('HSETNX', KEYS[1], 'flagged', '1') == 1 then
  first = first .. 'f'
end
redis.call('RPUSH', KEYS[2], ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[7])
local label = redis.call('HGET', KEYS[1], 'label')
if label then redis.call('XDEL', KEYS[3], label) redis.call('HDEL', KEYS[1], 'label') end
if ARGV[5] == '1' then
  local text = redis.call('HGET', KEYS[1], 'text') or ''
  label = redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[8], '*',
                     'answer', facts, 'feedback', ARGV[6], 'text', text)
  redis.call('HSET', KEYS[1], 'label', label)
end
local now = redis.call('TIME')
local oldest = string.format('%.0f', now[1] * 1000 + now[2] / 1000 - ARGV[7])
redis.call('XTRIM', KEYS[3], 'MINID', oldest)
redis.call('HSET', KEYS[1], 'changes', changes + 1, 'last', ARGV[1], 'first', first)
return {'kept', facts, tostring(changes + 1), first}
"""


class RedisFeedback:
    """A ``FeedbackStore`` on one Redis."""

    def __init__(self, shared: Shared, bounds: Bounds) -> None:
        self._shared = shared
        self._bounds = bounds

    async def note(self, answer: Answered, text: Text | None) -> None:
        arguments = (
            int(answer.replayed),
            packed(answer.document()),
            b"" if text is None else packed(text),
            self._keep_ms,
        )
        await self._script(_NOTE, _names(answer.tenant, answer.response_id), arguments)

    async def give(self, tenant: str, feedback: Feedback, now: float) -> Accepted:
        given = packed(feedback.document(now))
        state, *rest = await self._script(
            _GIVE,
            (*_names(tenant, feedback.response_id), STREAM),
            (
                given,
                self._bounds.max_changes,
                int(feedback.score is not None),
                int(feedback.flagged),
                int(feedback.for_labelling),
                given,
                self._keep_ms,
                self._bounds.max_labels,
            ),
        )
        if state == b"unknown":
            raise UnknownAnswer
        if state == b"often":
            raise TooManyChanges
        facts, changes, first = rest
        return Accepted(
            revision=unpacked(facts)["revision"],
            change=int(changes),
            first_score=b"s" in first,
            first_flag=b"f" in first,
        )

    @property
    def _keep_ms(self) -> int:
        return max(1, round(self._bounds.keep_s * 1000))

    async def _script(self, code: str, names: Sequence[str], arguments: Sequence[Any]) -> Any:
        try:
            return await self._shared.script(code, names, arguments)
        except SharedUnavailable as error:
            raise Unavailable(
                "the store of feedback does not answer: nothing was stored; try again",
                retry_after_s=5,
            ) from error


def _names(tenant: str, response_id: str) -> tuple[str, str]:
    """The answer's key and its feedback's; encoded, so that no two look alike."""
    whose, which = (
        urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode()
        for text in (tenant, response_id)
    )
    return f"{_SPACE}:answer:{whose}:{which}", f"{_SPACE}:given:{whose}:{which}"


class RedisLabels:
    """``Labels`` in the stream that :class:`RedisFeedback` writes.

    Args:
        url: redis:// or rediss://; never shown.

    Raises:
        UsageError: It is no such URL.
    """

    def __init__(self, url: str) -> None:
        try:
            self._redis = sync_redis.Redis.from_url(
                url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
            )
        except ValueError:
            raise UsageError("the Redis URL must begin with redis:// or rediss://") from None

    def after(self, position: str, limit: int) -> Sequence[tuple[str, Entry]]:
        start = f"({position}" if position else "-"
        found: Any = self._ask(lambda r: r.xrange(STREAM, start, "+", count=limit))
        return [(name.decode(), _entry(fields)) for name, fields in found]

    def count(self) -> int:
        number: Any = self._ask(lambda r: r.xlen(STREAM))
        return int(number)

    def cursor(self, name: str) -> str:
        found: Any = self._ask(lambda r: r.hget(READER, name))
        return found.decode() if found else ""

    def advance(self, name: str, position: str) -> None:
        self._ask(lambda r: r.hset(READER, name, position))

    def close(self) -> None:
        self._redis.close()

    def _ask(self, command: Callable[[sync_redis.Redis], T]) -> T:
        try:
            return command(self._redis)
        except (redis.exceptions.RedisError, OSError) as error:
            raise OperationError(
                f"Redis does not answer ({type(error).__name__}): is its URL right, is it up?"
            ) from None


def _entry(fields: dict[bytes, bytes]) -> Entry:
    return {name.decode(): unpacked(value) for name, value in fields.items() if value}
