"""Models that the cluster offers: InferenceServices with a label."""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Protocol

from prometheus_client import Counter
from prometheus_client.registry import Collector
from pydantic import BaseModel, ConfigDict, Field

from pilotlight.errors import PilotlightError
from pilotlight.kserve.names import annotations
from pilotlight.kube.document import Document, Kind, condition
from pilotlight.kube.kinds import INFERENCE_SERVICE
from pilotlight_transformer.pipeline.route import MODEL
from pilotlight_transformer.pipeline.target import Target
from pilotlight_transformer.routing.models import Model

logger = logging.getLogger(__name__)

MODEL_NAME = "pilotlight.dev/model"
"""Annotation: the name under which clients ask for the model; by default the service's own."""
UPSTREAM_MODEL = "pilotlight.dev/upstream-model"
"""Annotation: the name under which the predictor knows it; by default the service's own."""
MAX_MODELS = 500
"""More are not taken: each is a value of a metric's label."""

_NAME = re.compile(MODEL)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class DiscoverSettings(BaseModel):
    """Which InferenceServices are models."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: Annotated[str, Field(min_length=1)]
    namespace: str = ""
    every_s: Annotated[float, Field(gt=0)] = 5.0
    timeout_s: Annotated[float, Field(gt=0)] = 5.0


class Lister(Protocol):
    """Lists the objects of a kind, as ``pilotlight.kube.access.ApiServer`` does; it blocks."""

    @property
    def namespace(self) -> str:
        """That of the pod, or of the kubeconfig."""
        ...

    def list(
        self, kind: Kind, namespace: str | None = None, *, labels: str = ""
    ) -> Sequence[Document]: ...


def models(services: Iterable[Document]) -> list[Model]:
    """The models of InferenceServices; of two with one name the first by namespace and name.

    The address is made of the service's name and namespace, as KServe makes it
    (``constants.PredictorServiceName``), not read from its status: so nobody can send requests
    elsewhere by writing there.
    """
    found: dict[str, Model] = {}
    for service in sorted(services, key=_place):
        model = _model(service)
        if model is not None and model.name not in found and len(found) < MAX_MODELS:
            found[model.name] = model
    return list(found.values())


class Discovery:
    """Lists InferenceServices every few seconds; what was last known stays.

    Args:
        tell: Takes the models of each list.
    """

    def __init__(
        self, lister: Lister, settings: DiscoverSettings, tell: Callable[[list[Model]], None]
    ) -> None:
        self._lister = lister
        self._settings = settings
        self._tell = tell
        self._well = True
        self._lists = Counter(
            "pilotlight_transformer_model_lists",
            "Lists of InferenceServices asked of the API server",
            ["outcome"],
            registry=None,
        )

    async def run(self) -> None:
        """List for ever."""
        while True:
            await asyncio.sleep(self._settings.every_s)
            await self.look()

    async def look(self) -> None:
        """List once; a failure is logged when it begins and when it ends."""
        try:
            # Over the client's own deadline, which is for each page.
            async with asyncio.timeout(2 * self._settings.timeout_s):
                found = await asyncio.to_thread(self._list)
        except (PilotlightError, TimeoutError) as error:
            self._lists.labels("failed").inc()
            if self._well:
                logger.warning("InferenceServices cannot be listed, the last list stays: %s", error)
            self._well = False
            return
        if not self._well:
            logger.info("InferenceServices can be listed again")
        self._well = True
        self._lists.labels("ok").inc()
        self._tell(found)

    def collectors(self) -> Iterable[Collector]:
        """Its metrics."""
        return (self._lists,)

    def _list(self) -> list[Model]:
        given = self._settings.namespace
        namespace = None if given == "*" else given or self._lister.namespace
        return models(self._lister.list(INFERENCE_SERVICE, namespace, labels=self._settings.labels))


def _model(service: Document) -> Model | None:
    metadata: Mapping[str, Any] = service.get("metadata") or {}
    namespace, service_name = _place(service)
    if metadata.get("deletionTimestamp") or not (
        _LABEL.fullmatch(service_name) and _LABEL.fullmatch(namespace)
    ):
        return None
    name = annotations(service).get(MODEL_NAME, service_name)
    upstream = annotations(service).get(UPSTREAM_MODEL, service_name)
    if not (_NAME.fullmatch(name) and _NAME.fullmatch(upstream) and len(name) <= 200):
        logger.warning(
            "InferenceService %s/%s is no model: its annotations hold no model's name",
            namespace,
            service_name,
        )
        return None
    state = condition(service, "Ready")
    return Model(
        name,
        Target(name, f"{service_name}-predictor.{namespace}", model=upstream),
        ready=state is None or not state.is_false,
    )


def _place(service: Document) -> tuple[str, str]:
    """Namespace and name."""
    metadata: Mapping[str, Any] = service.get("metadata") or {}
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")
