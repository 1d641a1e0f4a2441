"""The step ``route``: which predictor answers a request."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated

from prometheus_client import Counter
from prometheus_client.registry import Collector
from pydantic import Field

from pilotlight.errors import InvalidRequest, ModelNotFound, Unavailable, UsageError
from pilotlight.kube.access import connect
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Slot
from pilotlight_transformer.pipeline.event import Event
from pilotlight_transformer.pipeline.route import Route
from pilotlight_transformer.pipeline.step import Step, StepSettings, Surroundings
from pilotlight_transformer.pipeline.target import Target
from pilotlight_transformer.routing.discovery import DiscoverSettings, Discovery, Lister
from pilotlight_transformer.routing.health import Health, Prober
from pilotlight_transformer.routing.models import (
    AliasSettings,
    Model,
    ModelName,
    ModelSettings,
    Registry,
)
from pilotlight_transformer.routing.renaming import ask_own, rename_answer, rename_event, with_name
from pilotlight_transformer.routing.rules import Tier

PRIORITY = b"x-priority"
_ELSEWHERE = frozenset({Route.FEEDBACK, Route.CONVERSATIONS})


class RouteSettings(StepSettings):
    """What the YAML says under ``route``."""

    models: dict[ModelName, ModelSettings] = Field(default_factory=dict)
    tiers: dict[ModelName, Tier] = Field(default_factory=dict)
    aliases: AliasSettings = Field(default_factory=AliasSettings)
    default: str | None = None
    own_model: bool = True
    discover: DiscoverSettings | None = None
    probe_every_s: Annotated[float, Field(gt=0)] = 5.0
    probe_timeout_s: Annotated[float, Field(gt=0)] = 2.0


@dataclass(frozen=True, slots=True)
class _Asked:
    """The name that the client used, and will be told again."""

    name: str


class RouteStep(Step):
    """Looks a model's name up, says where the request may go, and keeps the client's name."""

    name = "route"
    Settings = RouteSettings
    settings: RouteSettings

    def __init__(
        self,
        settings: RouteSettings,
        surroundings: Surroundings,
        lister: Lister | None = None,
    ) -> None:
        super().__init__(settings, surroundings)
        self._asked: Slot[_Asked] = Slot()
        self._lister = lister
        self._health = Health()
        self._discovery: Discovery | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._registry: Registry | None = None
        self._created = int(surroundings.clock.time())
        self._routed = Counter(
            "pilotlight_transformer_routed_requests",
            "Requests by the upstream that was their first choice",
            ["upstream", "priority"],
            registry=None,
        )
        self._unknown = Counter(
            "pilotlight_transformer_unknown_models",
            "Requests for a model that the registry does not have",
            registry=None,
        )

    @property
    def registry(self) -> Registry:
        """The names and upstreams; there from :meth:`start` on."""
        assert self._registry is not None  # noqa: S101  # the pipeline starts its steps first
        return self._registry

    async def start(self) -> None:
        settings, own = self.settings, self.surroundings.model_name
        self._registry = Registry(
            settings.models,
            settings.tiers,
            settings.aliases,
            own if settings.own_model else None,
            discovers=settings.discover is not None,
        )
        known = {*settings.models, *settings.tiers, *settings.aliases.everyone, own}
        if settings.default not in {None, *known} and settings.discover is None:
            raise UsageError(f"route: default: there is no model {settings.default}: add it")
        if settings.discover is not None:
            lister = self._lister or connect(timeout_s=settings.discover.timeout_s)
            self._discovery = Discovery(lister, settings.discover, self._registry.discovered)
            await self._discovery.look()
            self._tasks.append(asyncio.create_task(self._discovery.run()))
        if self._probed():
            prober = Prober(
                self._health, self._probed, settings.probe_every_s, settings.probe_timeout_s
            )
            self._tasks.append(asyncio.create_task(prober.run()))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def request(self, call: Call) -> Answer | None:
        if call.route in _ELSEWHERE:
            return None
        if call.route is Route.MODELS:
            return self._list(call) if call.path_name is None else self._describe(call)
        if call.route is Route.METADATA and call.path_name is None:
            if call.path != "/v2/models" or call.over_grpc:
                return None
            return Answer.of({"models": self.registry.names(call.identity.tenant)})
        asked = self._name(call)
        if asked is None:
            return None
        try:
            entry = self.registry.resolve(call.identity.tenant, asked)
        except ModelNotFound:
            self._unknown.inc()
            raise
        if entry is None:
            self._to_own(call, asked)
        else:
            self._to(call, asked, entry)
        return None

    async def response(self, call: Call, answer: Answer) -> None:
        asked = self._asked.get(call)
        if asked is not None:
            rename_answer(call, answer, asked.name)

    async def chunk(self, call: Call, event: Event) -> Iterable[Event]:
        asked = self._asked.get(call)
        return (event,) if asked is None else (rename_event(event, call.route, asked.name),)

    def collectors(self) -> Iterable[Collector]:
        found = [self._routed, self._unknown, *self._health.collectors()]
        return found if self._discovery is None else [*found, *self._discovery.collectors()]

    def _name(self, call: Call) -> str | None:
        """The model that is meant; a request that names none gets the default's name."""
        name = call.model
        if name is not None or call.over_grpc:
            return name
        body = call.document
        if body.get("model") is not None:
            raise InvalidRequest("model must be a text", param="model")
        name = self.settings.default or self.surroundings.model_name
        call.edit()["model"] = name
        return name

    def _to_own(self, call: Call, asked: str) -> None:
        own = self.surroundings.model_name
        self._routed.labels("own", _priority(call)).inc()
        call.decide(self.name, "own")
        if asked != own:
            self._asked.put(call, _Asked(asked))
            ask_own(call, own)

    def _to(self, call: Call, asked: str, entry: Model | Tier) -> None:
        priority = _priority(call)
        targets = self._targets(call, entry, batch=priority == "batch")
        if not targets:
            raise Unavailable(
                "none of this tier's models is there at the moment: try again later",
                retry_after_s=self.settings.probe_every_s,
            )
        first = targets[0]
        if any(target.model != asked for target in targets):
            self._asked.put(call, _Asked(asked))
        if call.over_grpc:
            # A message has one name: who knows the model by another one cannot take over.
            targets = [target for target in targets if target.model == first.model]
            if first.model != asked:
                call.body = with_name(call.body, first.model or asked)
        call.targets = tuple(targets)
        self._routed.labels(first.name, priority).inc()
        call.decide(self.name, first.name, priority)

    def _targets(self, call: Call, entry: Model | Tier, *, batch: bool) -> list[Target]:
        """Where a request may go, in order; what is known to be down comes last."""
        if isinstance(entry, Model):
            models = [entry]
        else:
            found = (self.registry.model(name) for name in entry.order(call))
            models = [model for model in found if model is not None]
        # Sorting is stable: the order of the file stays among those that are well.
        return [model.target(batch=batch) for model in sorted(models, key=self._is_down(batch))]

    def _is_down(self, batch: bool) -> Callable[[Model], bool]:
        return lambda model: not model.ready or self._health.down(model.target(batch=batch).name)

    def _probed(self) -> list[Target]:
        return [
            target
            for model in self.registry.models
            for target in model.targets
            if target.name in model.probed
        ]

    def _list(self, call: Call) -> Answer:
        names = self.registry.names(call.identity.tenant)
        return Answer.of({"object": "list", "data": [self._card(name) for name in names]})

    def _describe(self, call: Call) -> Answer:
        """OpenAI's fields and KServe V1's in one answer, as the predictor has them."""
        name = call.path_name or ""
        entry = self.registry.resolve(call.identity.tenant, name)
        if entry is None:
            ready = True
        elif isinstance(entry, Model):
            ready = not self._is_down(batch=False)(entry)
        else:
            members = [self.registry.model(member) for member in entry.members]
            ready = any(not self._is_down(batch=False)(one) for one in members if one is not None)
        return Answer.of({**self._card(name), "name": name, "ready": ready}, 200 if ready else 503)

    def _card(self, name: str) -> dict[str, object]:
        return {"id": name, "object": "model", "created": self._created, "owned_by": "pilotlight"}


def _priority(call: Call) -> str:
    values = call.headers.all(PRIORITY)
    if not values or set(values) == {b"interactive"}:
        return "interactive"
    if set(values) == {b"batch"}:
        return "batch"
    raise InvalidRequest("the header x-priority is batch or interactive", param="x-priority")
