"""Conversations in Redis, for all replicas."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from pilotlight.errors import Unavailable
from pilotlight_transformer.conversations.history import History
from pilotlight_transformer.conversations.store import Holder, Kept, Key, TurnLost, TurnRefused
from pilotlight_transformer.stores.shared import Shared, SharedUnavailable

# A script may have run although its answer was lost, and then it is sent again: whoever holds the
# turn already, or has committed already, is told so a second time.
_BEGIN = """
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
local other = redis.call('GET', KEYS[2])
if other and other ~= ARGV[1] then return {'busy', version, ''} end
if ARGV[3] ~= '' and tonumber(ARGV[3]) ~= version then return {'outdated', version, ''} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {'held', version, redis.call('HGET', KEYS[1], 'history') or ''}
"""
_COMMIT = """
if redis.call('HGET', KEYS[1], 'by') == ARGV[1] then return 1 end
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'history', ARGV[3], 'by', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('DEL', KEYS[2])
return 1
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
"""


class RedisConversations:
    """A ``Conversations`` on one Redis; turns and conversations expire by its clock."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    async def begin(
        self, key: Key, holder: Holder, expected: int | None, lease_s: float, now: float
    ) -> Kept:
        wanted = "" if expected is None else str(expected)
        arguments = (holder, _milliseconds(lease_s), wanted)
        state, version, history = await self._script(_BEGIN, _names(key), *arguments)
        if state != b"held":
            raise TurnRefused(version, busy=state == b"busy")
        return Kept(version, History.unpacked(history))

    async def commit(self, key: Key, holder: Holder, kept: Kept, ttl_s: float, now: float) -> None:
        arguments = (holder, kept.version, kept.history.packed(), _milliseconds(ttl_s))
        if not await self._script(_COMMIT, _names(key), *arguments):
            raise TurnLost

    async def release(self, key: Key, holder: Holder) -> None:
        await self._script(_RELEASE, _names(key)[1:], holder)

    async def renew(self, held: Mapping[Holder, Key], lease_s: float, now: float) -> None:
        for holder, key in held.items():
            await self._script(_RENEW, _names(key)[1:], holder, _milliseconds(lease_s))

    async def read(self, key: Key, now: float) -> tuple[Kept, float] | None:
        name = _names(key)[0]
        try:
            pipe = self._shared.client.pipeline(transaction=True)
            pipe.hmget(name, ["version", "history"])
            pipe.pttl(name)
            (version, history), left = await self._shared.ask(pipe.execute())
        except SharedUnavailable as error:
            raise _unavailable() from error
        if version is None:
            return None
        return Kept(int(version), History.unpacked(history)), now + left / 1000

    async def delete(self, key: Key, now: float) -> bool:
        conversation, turn = _names(key)
        try:
            pipe = self._shared.client.pipeline(transaction=True)
            pipe.delete(conversation)
            pipe.delete(turn)
            there, _ = await self._shared.ask(pipe.execute())
        except SharedUnavailable as error:
            raise _unavailable() from error
        return bool(there)

    async def _script(self, code: str, names: tuple[str, ...], *arguments: Any) -> Any:
        try:
            return await self._shared.script(code, names, arguments)
        except SharedUnavailable as error:
            raise _unavailable() from error


def _names(key: Key) -> tuple[str, ...]:
    """The conversation's key and its turn's; the braces keep both on one node of a cluster.

    A tenant's name may hold any character, so it is encoded: no two of them look alike.
    """
    tenant = urlsafe_b64encode(key.tenant.encode("utf-8", "surrogatepass")).decode()
    name = f"pilotlight:conversation:{{{tenant}:{key.id}}}"
    return name, f"{name}:turn"


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _unavailable() -> Unavailable:
    return Unavailable(
        "the store of conversations does not answer: nothing was stored; try again, or ask "
        "without conversation_id",
        retry_after_s=5,
    )
