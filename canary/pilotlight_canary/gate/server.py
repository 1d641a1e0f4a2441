"""A server behind OpenAI's API, asked with deadlines, bounds and safe retries."""

import asyncio
from types import TracebackType
from typing import Any

import httpx

from pilotlight.errors import UsageError
from pilotlight_canary.gate.address import Address
from pilotlight_canary.gate.answer import Failure, Reply, read
from pilotlight_canary.gate.failures import of_error, of_response, pause_s
from pilotlight_canary.gate.prompt import Prompt

ATTEMPTS = 5
CONNECT_S = 5.0
TENANT = "pilotlight-rollout"


class Server:
    """Asks one server.

    Args:
        address: Where it is.
        api_key: Its bearer token, if it wants one.
        request_s: Seconds that a request may take, its retries included.
        concurrency: Requests at a time.
        attempts: How often a request is sent that did not reach the model.
        is_outside: It is no version of ours, and may be behind the proxy that the environment
            names.

    Raises:
        UsageError: There cannot be a server at such an address.
    """

    def __init__(
        self,
        address: Address,
        *,
        api_key: str = "",
        request_s: float = 120.0,
        concurrency: int = 4,
        attempts: int = ATTEMPTS,
        is_outside: bool = False,
    ) -> None:
        self.address = address
        self._request_s = request_s
        self._attempts = attempts
        self._turns = asyncio.Semaphore(concurrency)
        headers = dict(address.headers)
        if not is_outside:
            # Behind people's requests in the predictor's queue, and no longer than we wait.
            headers |= {"x-priority": "batch", "x-tenant-id": TENANT}
            headers["x-request-deadline-ms"] = str(int(request_s * 1000))
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        try:
            self._http = httpx.AsyncClient(
                base_url=address.url,
                headers=headers,
                timeout=httpx.Timeout(None, connect=CONNECT_S),
                trust_env=is_outside,
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise UsageError(f"{address} cannot be asked: {error}") from error

    async def __aenter__(self) -> "Server":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def served_model(self) -> str | Failure:
        """The name of the first model that it lists."""
        listing = await self.call("GET", "/v1/models")
        if isinstance(listing, Failure):
            return listing
        try:
            return str(listing["data"][0]["id"])
        except (LookupError, TypeError) as error:
            return Failure("no model", f"GET /v1/models lists none: {error!r}")

    async def ask(self, prompt: Prompt, body: dict[str, Any], path: str = "") -> Reply:
        """The answer to a body that was made from a prompt."""
        document = await self.call("POST", path or prompt.path, body)
        if isinstance(document, Failure):
            return document
        try:
            return read(prompt, document)
        except ValueError as error:
            return Failure("unreadable answer", str(error))

    async def call(self, method: str, path: str, body: object | None = None) -> Any | Failure:
        """A JSON document, or why there is none; never raises but on cancellation."""
        async with self._turns:
            try:
                async with asyncio.timeout(self._request_s):
                    return await self._persist(method, path, body)
            except TimeoutError:
                return Failure(f"no answer in {self._request_s:g} s")

    async def _persist(self, method: str, path: str, body: object | None) -> Any | Failure:
        for attempt in range(1, self._attempts + 1):
            answer = await self._once(method, path, body)
            if not isinstance(answer, Failure) or not answer.nothing_generated:
                return answer
            if attempt < self._attempts:
                await asyncio.sleep(pause_s(attempt, answer))
        return answer

    async def _once(self, method: str, path: str, body: object | None) -> Any | Failure:
        try:
            response = await self._http.request(method, path, json=body)
        except httpx.RequestError as error:
            return of_error(error)
        if not response.is_success:
            return of_response(response.status_code, response.headers, response.text)
        try:
            return response.json()
        except ValueError:
            return Failure("unreadable answer", "it is no JSON")
