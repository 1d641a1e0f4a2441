"""A pipeline of the step ``auth`` alone, asked with keys and tokens."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pilotlight.clock import Clock, SimulatedClock
from pilotlight_transformer.pipeline.call import Call
from tests.unit.transformer.auth.issuing import AUDIENCE, ISSUER
from tests.unit.transformer.playing import Play, PlayedClient, a_call, a_chat

WAIT_S = 15.0
KEY = "a-static-key-of-the-test"
OTHER_KEY = "another-key-of-the-test"


def auth(folder: Path, clock: Clock | None = None, **settings: Any) -> Play:
    """The step with these settings; only the database of keys is off unless it is asked for."""
    given = {"keys_database": False, **settings}
    return Play(f"- auth: {json.dumps(given)}", folder, clock=clock)


def static(key: str = KEY, tenant: str = "acme", **more: Any) -> dict[str, Any]:
    return {"key": key, "tenant": tenant, **more}


def issuer(**more: Any) -> dict[str, Any]:
    """Settings of the tests' issuer."""
    if not {"tenant", "tenant_claim"} & more.keys():
        more = {"tenant_claim": "org", "tenant_prefix": "", **more}
    return {"issuer": ISSUER, "audience": AUDIENCE, **more}


def now_clock() -> SimulatedClock:
    """Stands at the machine's time until a test moves it."""
    return SimulatedClock(float(int(time.time())))


def bearing(credential: str, body: Any = None, **request: Any) -> Call:
    """A chat by whoever holds this key or token."""
    headers = {"authorization": f"Bearer {credential}", **request.pop("headers", {})}
    asked = a_chat() if body is None and request.get("method", "POST") == "POST" else body
    return a_call(asked, headers=headers, **request)


async def status(play: Play, credential: str, body: Any = None, **request: Any) -> int:
    """What the pipeline answers to it."""
    return (await play.send(bearing(credential, body, **request))).status


async def refusal(play: Play, credential: str, **request: Any) -> tuple[int, str]:
    """Status and message of a refusal."""
    client = await play.send(bearing(credential, **request))
    return client.status, message(client)


def message(client: PlayedClient) -> str:
    error = client.document["error"]
    return str(error if isinstance(error, str) else error["message"])


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens beside the requests."""
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.02)


async def until_status(play: Play, credential: str, wanted: int) -> None:
    """Ask until the answer is ``wanted``."""
    end = time.monotonic() + WAIT_S
    while (found := await status(play, credential)) != wanted:
        assert time.monotonic() < end, f"it still answers {found}"
        await asyncio.sleep(0.02)
