"""The step ``auth``: who asks, and whether they may."""

from collections.abc import Iterable

from prometheus_client import Counter
from prometheus_client.registry import Collector

from pilotlight.errors import Forbidden, Unavailable, UsageError
from pilotlight_transformer.auth.api_keys import digest
from pilotlight_transformer.auth.asked_model import asked_model, only_model
from pilotlight_transformer.auth.credential import take_credential
from pilotlight_transformer.auth.key_database import NAME, KeyDatabase
from pilotlight_transformer.auth.key_file import read_key_file
from pilotlight_transformer.auth.key_ring import DatabaseShelf, FileShelf, KeyRing, Shelf
from pilotlight_transformer.auth.refusal import Refused, expired, invalid, missing
from pilotlight_transformer.auth.settings import AuthSettings
from pilotlight_transformer.auth.tokens import Tokens
from pilotlight_transformer.auth.verified import ANONYMOUS_TENANT, Verified, verified
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.step import Step, Surroundings

SHOWN_MODEL = 100
"""Characters of a model's name that a refusal repeats."""


class AuthStep(Step):
    """Sets ``call.identity`` from a key or a token, and refuses what its scopes do not open."""

    name = "auth"
    Settings = AuthSettings
    settings: AuthSettings

    def __init__(self, settings: AuthSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self._clock = surroundings.clock
        self._ring: KeyRing | None = None
        self._requests = Counter(
            "pilotlight_transformer_auth_requests",
            "Requests by how their caller was known, and what came of it.",
            ["by", "outcome"],
            registry=None,
        )
        self._fetches = Counter(
            "pilotlight_transformer_jwks_fetches",
            "Attempts to fetch an issuer's keys.",
            ["issuer", "outcome"],
            registry=None,
        )
        self._allowed = {
            kind: self._requests.labels(kind, "allowed") for kind in ("key", "token", "anonymous")
        }
        self._anonymous: Verified | None = None
        if settings.anonymous == "allow":
            self._anonymous = verified(
                "anonymous", ANONYMOUS_TENANT, ANONYMOUS_TENANT, settings.anonymous_scopes
            )
        self._tokens = Tokens(
            settings.issuers,
            self._clock,
            settings.max_token_bytes,
            settings.cached_tokens,
            lambda label, outcome: self._fetches.labels(label, outcome).inc(),
        )

    async def start(self) -> None:
        """Read the stores of keys, and the keys of the issuers."""
        settings = self.settings
        fixed = {
            key.digest: verified("key", key.tenant, key.subject, key.scopes)
            for key in settings.keys
        }
        shelves: list[Shelf] = []
        if settings.keys_file is not None:
            read_key_file(settings.keys_file)
            shelves.append(FileShelf(settings.keys_file))
        if settings.keys_database:
            shelves.append(await self._database())
        self._ring = KeyRing(
            fixed, shelves, self._clock, settings.keys_refresh_s, settings.keys_stale_s
        )
        await self._ring.start()
        await self._tokens.start()

    async def _database(self) -> DatabaseShelf:
        keys = KeyDatabase(self.surroundings.stores.database(NAME))
        try:
            await keys.make()
        except Unavailable as error:
            raise UsageError(f"auth: {error}") from None
        return DatabaseShelf(keys)

    async def stop(self) -> None:
        """Read no more."""
        if self._ring is not None:
            await self._ring.stop()
        await self._tokens.stop()

    async def request(self, call: Call) -> Answer | None:
        """Know the caller, and let through what they may do."""
        try:
            caller = await self._caller(call)
        except Refused as refusal:
            self._note(call, "none", refusal.why)
            raise
        except Unavailable:
            self._note(call, "none", "unavailable")
            raise
        call.identity = caller.identity
        self._check_scopes(call, caller)
        self._allowed[caller.kind].inc()
        call.decide(self.name, "allowed", caller.kind)
        return None

    async def _caller(self, call: Call) -> Verified:
        credential = take_credential(call.headers)
        if credential is None:
            if self._anonymous is None:
                raise missing()
            return self._anonymous
        found = digest(credential)
        # What is known already is found without awaiting anything.
        caller = self._known(found) or await self._find(credential, found)
        if caller.expires is not None and caller.expires <= self._clock.time():
            raise expired()
        return caller

    def _known(self, found: bytes) -> Verified | None:
        return self._tokens.known(found) or (self._ring.find(found) if self._ring else None)

    async def _find(self, credential: bytes, found: bytes) -> Verified:
        if self.settings.issuers and credential.count(b".") == 2:
            return await self._tokens.verify(credential, found)
        caller = await self._ring.find_again(found) if self._ring else None
        if caller is None:
            raise invalid()
        return caller

    def _check_scopes(self, call: Call, caller: Verified) -> None:
        if caller.grants.opens_all(call.route):
            return
        model = asked_model(call, self.surroundings.model_name)
        if not caller.grants.opens(call.route, model):
            self._note(call, caller.kind, "forbidden")
            lacking = f"{call.route.value}:{'*' if model is None else model[:SHOWN_MODEL]}"
            raise Forbidden(f"this key or token lacks the scope {lacking}: ask for one that has it")
        only_model(call)

    def _note(self, call: Call, by: str, outcome: str) -> None:
        self._requests.labels(by, outcome).inc()
        call.decide(self.name, "refused", outcome)

    def collectors(self) -> Iterable[Collector]:
        """Requests, and fetches of issuers' keys."""
        return (self._requests, self._fetches)
