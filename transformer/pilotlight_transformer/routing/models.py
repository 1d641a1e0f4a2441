"""The registry: which names a tenant may ask for, and which upstreams answer to them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pilotlight.errors import ModelNotFound, UsageError
from pilotlight_transformer.pipeline.route import MODEL
from pilotlight_transformer.pipeline.target import Target
from pilotlight_transformer.routing.address import checked_host, checked_url, target
from pilotlight_transformer.routing.rules import Tier

_NAME = re.compile(MODEL)


def _checked_name(name: str) -> str:
    if _NAME.fullmatch(name) is None or any(part in {".", ".."} for part in name.split("/")):
        raise ValueError("a model's name has letters, digits, and . _ @ : - / between them")
    return name


ModelName = Annotated[str, Field(max_length=200), AfterValidator(_checked_name)]


class UpstreamSettings(BaseModel):
    """One upstream of a model."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    url: Annotated[str, AfterValidator(checked_url)]
    host: Annotated[str, AfterValidator(checked_host)] = ""
    model: ModelName | None = None
    probe: bool = False


class ModelSettings(UpstreamSettings):
    """A model: its interactive upstream, and the one for work that can wait."""

    batch: UpstreamSettings | None = None
    tenants: frozenset[str] | None = None


class AliasSettings(BaseModel):
    """Other names for models and tiers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    everyone: dict[ModelName, str] = Field(default_factory=dict)
    tenants: dict[str, dict[ModelName, str]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """A model that the registry knows.

    Attributes:
        tenants: Who may see it; ``None``: everybody.
        probed: The names of those of its targets whose health is asked for.
        ready: Whether the cluster says so; ``True`` where nobody says anything.
    """

    name: str
    interactive: Target
    batch: Target | None = None
    tenants: frozenset[str] | None = None
    probed: frozenset[str] = frozenset()
    ready: bool = True

    @classmethod
    def of(cls, name: str, settings: ModelSettings) -> "Model":
        """A model as the settings describe it."""
        own = _target(name, name, settings)
        batch = settings.batch
        other = None if batch is None else _target(f"{name}/batch", own.model or name, batch)
        probed = {own.name} if settings.probe else set()
        if batch is not None and batch.probe:
            probed.add(f"{name}/batch")
        return cls(name, own, other, settings.tenants, frozenset(probed))

    @property
    def targets(self) -> tuple[Target, ...]:
        """All of its upstreams."""
        return (self.interactive,) if self.batch is None else (self.interactive, self.batch)

    def target(self, *, batch: bool) -> Target:
        """Where a request goes; a model without a batch upstream has one for both."""
        return self.batch if batch and self.batch is not None else self.interactive


class Registry:
    """Models from the file and from the cluster, tiers, and names for them.

    Args:
        models: From the file; they win over those of the cluster.
        own: The InferenceService's own model, which the default predictor answers; ``None``
            hides it.
        discovers: Whether names may also come from the cluster, later.

    Raises:
        UsageError: A tier or an alias means a model that there is not, or a name is there twice.
    """

    def __init__(
        self,
        models: Mapping[str, ModelSettings],
        tiers: Mapping[str, Tier],
        aliases: AliasSettings,
        own: str | None,
        *,
        discovers: bool = False,
    ) -> None:
        self._static = {name: Model.of(name, given) for name, given in models.items()}
        self._tiers = dict(tiers)
        self._aliases = aliases
        self._own = None if own in self._static or own in self._tiers else own
        self._found: dict[str, Model] = {}
        self._check(discovers)

    @property
    def models(self) -> Iterable[Model]:
        """All models, those of the cluster too."""
        yield from self._static.values()
        yield from self._found.values()

    def discovered(self, models: Iterable[Model]) -> None:
        """Replace what the cluster offers; names from the file stay what they are."""
        known = (self._static, self._tiers, self._aliases.everyone, {self._own: None})
        self._found = {
            model.name: model for model in models if not any(model.name in names for names in known)
        }

    def model(self, name: str) -> Model | None:
        """A model by its own name, whoever may see it."""
        return self._static.get(name) or self._found.get(name)

    def resolve(self, tenant: str, asked: str) -> Model | Tier | None:
        """What a tenant means by a name; ``None``: the InferenceService's own model.

        Raises:
            ModelNotFound: Nothing, or nothing that this tenant may see: the two look the same.
        """
        name = self._aliased(tenant, asked)
        entry = self._tiers.get(name) or self.model(name)
        if entry is not None and _visible(entry, tenant):
            return entry
        if entry is None and name == self._own:
            return None
        raise ModelNotFound(
            "there is no model of that name for you: GET /v1/models lists those there are",
            param="model",
        )

    def names(self, tenant: str) -> list[str]:
        """Every name that a tenant may ask for, in order."""
        theirs = self._aliases.tenants.get(tenant, {})
        entries: dict[str, Model | Tier] = {**self._static, **self._found, **self._tiers}
        names = {name for name, entry in entries.items() if _visible(entry, tenant)}
        if self._own is not None:
            names.add(self._own)
        aliases = {*self._aliases.everyone, *theirs}
        return sorted((names - aliases) | {name for name in aliases if self._knows(tenant, name)})

    def _knows(self, tenant: str, name: str) -> bool:
        try:
            self.resolve(tenant, name)
        except ModelNotFound:
            return False
        return True

    def _aliased(self, tenant: str, name: str) -> str:
        theirs = self._aliases.tenants.get(tenant)
        if theirs is not None and name in theirs:
            return theirs[name]
        return self._aliases.everyone.get(name, name)

    def _check(self, discovers: bool) -> None:
        both = self._static.keys() & self._tiers.keys()
        hidden = self._aliases.everyone.keys() & (self._static.keys() | self._tiers.keys())
        if twice := sorted(both | hidden):
            raise UsageError(f"route: the name {twice[0]} is there twice: rename one of them")
        for name, tier in self._tiers.items():
            if self._own in tier.members:
                raise UsageError(
                    f"route: tiers.{name}: {self._own} is this service's own model: give it an "
                    "entry with a url in models, so that a tier can choose it"
                )
            missing = sorted(tier.members - self._static.keys())
            if missing and (not discovers or missing[0] in self._tiers):
                raise UsageError(f"route: tiers.{name}: models has no {missing[0]}: add it there")
        known = {*self._static, *self._tiers, self._own}
        meant = [*self._aliases.everyone.values()]
        meant += [name for names in self._aliases.tenants.values() for name in names.values()]
        unknown = sorted(set(meant) - known)
        if unknown and not discovers:
            raise UsageError(
                f"route: an alias means {unknown[0]}, which is no model and no tier: add it there"
            )


def _visible(entry: Model | Tier, tenant: str) -> bool:
    return entry.tenants is None or tenant in entry.tenants


def _target(name: str, model: str, settings: UpstreamSettings) -> Target:
    return target(name, settings.url, host=settings.host, model=settings.model or model)
