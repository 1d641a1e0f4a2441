"""Whose buckets a request takes from."""

from functools import lru_cache
from hashlib import blake2b

from pilotlight_transformer.limits.charge import Bucket, Of, Per
from pilotlight_transformer.limits.settings import Limits, RatelimitSettings, RateSettings
from pilotlight_transformer.limits.tokens import COSTS_TOKENS
from pilotlight_transformer.pipeline.call import Call

PREFIX = "pilotlight:ratelimit:"
KNOWN = 4096
"""Callers whose buckets' names are kept at hand."""


class Callers:
    """Finds the buckets of a call.

    Args:
        model_name: Asked for when a request names none.
    """

    def __init__(self, settings: RatelimitSettings, model_name: str) -> None:
        self._settings = settings
        self._model_name = model_name
        self._by_model = bool(settings.models) or any(
            own.models for own in settings.tenants.values()
        )
        self._known = lru_cache(KNOWN)(self._assemble)
        self._listed = frozenset(
            name
            for groups in (settings.models, *(own.models for own in settings.tenants.values()))
            for group in groups or ()
            for name in group.names
        )

    def buckets(self, call: Call) -> tuple[Bucket, ...]:
        """The buckets of a call.

        A token's own id plays no part: who fetches a new token for the same subject has the same
        buckets.

        Raises:
            InvalidRequest: There are limits by model, and the body is no JSON object.
        """
        model = None
        if self._by_model and call.route in COSTS_TOKENS:
            model = call.model or self._model_name
            model = model if model in self._listed else None
        return self._known(call.identity.tenant, call.identity.subject, model)

    def _assemble(self, tenant: str, subject: str, model: str | None) -> tuple[Bucket, ...]:
        allowance = self._settings.allowance(tenant)
        buckets = [
            *_pair("key", allowance.key, tenant, subject),
            *_pair("tenant", allowance.tenant, tenant),
        ]
        for group in allowance.models or ():
            if model in group.names:
                buckets += _pair("model", group, tenant, *sorted(group.names))
        return tuple(buckets)


def _pair(per: Per, limits: Limits | None, tenant: str, *rest: str) -> list[Bucket]:
    if limits is None:
        return []
    # In braces: a Redis Cluster keeps all buckets of a tenant in one place, for one script.
    name = f"{PREFIX}{{{_digest(tenant)}}}:{per}:{_digest(*rest)}"
    both: tuple[tuple[Of, RateSettings | None], ...]
    both = (("requests", limits.requests), ("tokens", limits.tokens))
    return [Bucket(per, of, f"{name}:{of}", rate.limit) for of, rate in both if rate is not None]


def _digest(*parts: str) -> str:
    told = b"".join(
        len(raw).to_bytes(4) + raw
        for raw in (part.encode("utf-8", "surrogatepass") for part in parts)
    )
    return blake2b(told, digest_size=16).hexdigest()
