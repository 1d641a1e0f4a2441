"""Where an issuer's keys come from: a URL, a file, or the settings."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Protocol
from weakref import WeakValueDictionary

import httpx

from pilotlight.clock import Clock
from pilotlight.errors import UsageError
from pilotlight_transformer.auth.freshness import Freshness
from pilotlight_transformer.auth.key_set import KeySet, parse_jwks, parse_pem
from pilotlight_transformer.auth.refreshed import CannotFetch, Refreshed
from pilotlight_transformer.auth.settings import IssuerSettings

MAX_JWKS_BYTES = 256 * 2**10

_living: WeakValueDictionary[tuple[str, str], "Jwks"] = WeakValueDictionary()
"""The sources of this process by their place: a pipeline that is replaced has its keys yet."""


class KeySource(Protocol):
    """Gives an issuer's keys."""

    async def start(self) -> None:
        """Get them for the first time.

        Raises:
            UsageError: The settings can never give any.
        """
        ...

    async def stop(self) -> None:
        """Get them no more."""
        ...

    def get(self) -> KeySet:
        """The keys as they are known now.

        Raises:
            Unavailable: They are not known, or not any more.
        """
        ...

    async def ask_again(self) -> bool:
        """Whether the keys were fetched just now, because one was not among them."""
        ...

    @property
    def failing(self) -> bool:
        """Whether the last attempt to get them failed."""
        ...


class FixedKey:
    """The one key that stands in the settings."""

    failing = False

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Nothing to do."""

    def get(self) -> KeySet:
        """The key."""
        return self._keys

    async def ask_again(self) -> bool:
        """It never changes."""
        return False


class Jwks:
    """A JWK set that is fetched again and again.

    The same bytes give the same object, so that what was verified with it stays verified.
    """

    def __init__(self, settings: IssuerSettings, clock: Clock, told: Callable[[str], None]) -> None:
        self._settings = settings
        self._client: httpx.AsyncClient | None = None
        self._last: tuple[bytes, KeySet] | None = None
        self._refreshed = Refreshed(
            f"the keys of the issuer {settings.label}",
            self._fetch,
            Freshness(
                settings.ttl_s, settings.stale_s, settings.retry_s, again_s=settings.min_refresh_s
            ),
            clock,
            settings.timeout_s,
            told,
        )

    async def start(self) -> None:
        """Fetch; if the issuer is away, begin with what the pipeline before has, or nothing."""
        self._client = self._open() if self._settings.jwks_url else None
        await self._refreshed.start()
        if self._settings.jwks_url is not None:
            place = (self._settings.jwks_url, str(self._settings.ca_file))
            before = _living.get(place)
            if before is not None and self.failing:
                self._refreshed.adopt(before._refreshed)
            _living[place] = self
        if self._settings.jwks_file and self.failing:
            raise UsageError(
                f"auth: the keys of {self._settings.label} cannot be read from "
                f"{self._settings.jwks_file}: it must be a JWK set, as its issuer publishes it"
            )

    async def stop(self) -> None:
        """Fetch no more."""
        await self._refreshed.stop()
        if self._client is not None:
            await self._client.aclose()

    def get(self) -> KeySet:
        """The keys. Raises :class:`~pilotlight.errors.Unavailable` if they are too old."""
        return self._refreshed.get()

    async def ask_again(self) -> bool:
        """Fetch for an unknown key, at most once in ``min_refresh_s`` however often it is asked."""
        return await self._refreshed.ask_again()

    @property
    def failing(self) -> bool:
        """Whether the last fetch failed."""
        return self._refreshed.freshness.failing

    def _open(self) -> httpx.AsyncClient:
        ca_file = self._settings.ca_file
        try:
            return httpx.AsyncClient(
                verify=True if ca_file is None else _trusting(str(ca_file)),
                timeout=self._settings.timeout_s,
                follow_redirects=False,
                # A proxy of the environment is for the way out of a cluster, not for loopback.
                trust_env=str(self._settings.jwks_url).startswith("https:"),
                headers={"accept": "application/json", "accept-encoding": "identity"},
            )
        except OSError as error:
            raise UsageError(f"auth: ca_file {ca_file} cannot be used: {error}") from None

    async def _fetch(self) -> KeySet:
        data = await (self._from_url() if self._client else self._from_file())
        if self._last is None or self._last[0] != data:
            self._last = (data, parse_jwks(data))
        return self._last[1]

    async def _from_file(self) -> bytes:
        path = self._settings.jwks_file
        assert path is not None  # noqa: S101  # the settings have a URL or a file
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise CannotFetch(f"{path}: {error.strerror}") from None

    async def _from_url(self) -> bytes:
        assert self._client is not None  # noqa: S101  # told by the caller
        body = bytearray()
        try:
            async with self._client.stream("GET", str(self._settings.jwks_url)) as response:
                if response.status_code != 200:
                    raise CannotFetch(f"status {response.status_code}; redirects are not followed")
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise CannotFetch("it came compressed although it was asked for as it is")
                async for piece in response.aiter_raw():
                    body += piece
                    if len(body) > MAX_JWKS_BYTES:
                        raise CannotFetch(f"it is over {MAX_JWKS_BYTES} bytes")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise CannotFetch(type(error).__name__) from None
        return bytes(body)


def _trusting(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)


def key_source(settings: IssuerSettings, clock: Clock, told: Callable[[str], None]) -> KeySource:
    """Where the keys of an issuer come from.

    Raises:
        UsageError: The key in the settings is none.
    """
    if settings.public_key is None:
        return Jwks(settings, clock, told)
    try:
        return FixedKey(parse_pem(settings.public_key))
    except ValueError as error:
        raise UsageError(f"auth: {settings.label}: {error}") from None
