"""Where requests of our own come from, and the keys that they carry."""

import asyncio
import base64
import binascii

import httpx

from pilotlight.api.gate import RequestSource
from pilotlight.api.meta import KeyReference
from pilotlight.errors import OperationError, UsageError
from pilotlight.kube.cluster import Reader
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import CONFIG_MAP, SECRET
from pilotlight_canary.gate.prompt import Prompt, parse

MAX_BYTES = 8 * 2**20
"""Of an answer with recorded requests; more is cut off at the last whole line."""
URL_S = 30.0


async def golden_prompts(cluster: Reader, key: KeyReference, namespace: str) -> tuple[Prompt, ...]:
    """The requests in a key of a ConfigMap.

    Raises:
        ClusterError: The ConfigMap cannot be read.
        UsageError: It has no such key, or what is there are no requests.
    """
    text = await _config_map(cluster, key, namespace)
    return parse(text, f"ConfigMap {key.name}, key {key.key}")


async def recorded_requests(
    cluster: Reader, source: RequestSource, namespace: str
) -> tuple[Prompt, ...]:
    """The requests that people sent, from wherever they are recorded.

    Raises:
        ClusterError: The ConfigMap or Secret cannot be read.
        OperationError: The URL does not answer.
        UsageError: What is there are no requests.
    """
    if source.config_map is not None:
        return await golden_prompts(cluster, source.config_map, namespace)
    if source.secret is not None:
        text = await secret(cluster, source.secret, namespace)
        return parse(text, f"Secret {source.secret.name}, key {source.secret.key}")
    url = source.url or ""
    return parse(await _fetched(url), url)


async def secret(cluster: Reader, key: KeyReference, namespace: str) -> str:
    """The text in a key of a Secret.

    Raises:
        ClusterError: The Secret cannot be read.
        UsageError: It has no such key, or no text there.
    """
    document = await asyncio.to_thread(cluster.get, Reference(SECRET, key.name, namespace))
    encoded = (document.get("data") or {}).get(key.key)
    try:
        return base64.b64decode(encoded or "", validate=True).decode() if encoded else _none(key)
    except (binascii.Error, UnicodeDecodeError) as error:
        raise UsageError(f"Secret {key.name}, key {key.key} is no text: {error}") from error


async def api_key(cluster: Reader, key: KeyReference | None, namespace: str) -> str:
    """A bearer token, or nothing where none is named."""
    return (await secret(cluster, key, namespace)).strip() if key is not None else ""


async def _config_map(cluster: Reader, key: KeyReference, namespace: str) -> str:
    document = await asyncio.to_thread(cluster.get, Reference(CONFIG_MAP, key.name, namespace))
    text = (document.get("data") or {}).get(key.key)
    return str(text) if text is not None else _none(key, "ConfigMap")


def _none(key: KeyReference, kind: str = "Secret") -> str:
    raise UsageError(f"{kind} {key.name} has no key {key.key!r}")


async def _fetched(url: str) -> str:
    received = bytearray()
    try:
        async with (
            asyncio.timeout(URL_S),
            httpx.AsyncClient(timeout=URL_S) as client,
            client.stream("GET", url) as response,
        ):
            if not response.is_success:
                raise OperationError(f"GET {url} for recorded requests: {response.status_code}")
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > MAX_BYTES:
                    del received[received.rfind(b"\n", 0, MAX_BYTES) + 1 :]
                    break
    except (httpx.RequestError, httpx.InvalidURL, TimeoutError) as error:
        raise OperationError(f"GET {url} for recorded requests: {error!r}") from error
    return received.decode(errors="replace")
