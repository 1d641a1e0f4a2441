"""What a server says about itself on the Open Inference Protocol's readiness route."""

from dataclasses import dataclass

import httpx

READY_PATH = "/v2/health/ready"


@dataclass(frozen=True)
class Health:
    """An answer to "are you ready".

    Attributes:
        state: The server's own word for what it does, or ``starting`` while nothing answers.
    """

    ready: bool
    state: str


async def ask(client: httpx.AsyncClient) -> Health:
    """Ask once; a server that does not answer is starting."""
    try:
        response = await client.get(READY_PATH, timeout=5)
    except httpx.TransportError:
        return Health(False, "starting")
    return Health(response.is_success, _state(response))


def _state(response: httpx.Response) -> str:
    try:
        content = response.json()
    except ValueError:
        content = None
    if isinstance(content, dict) and isinstance(content.get("state"), str):
        return str(content["state"])
    return "ready" if response.is_success else f"not ready ({response.status_code})"
