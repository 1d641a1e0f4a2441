"""Which programs run on this machine for one InferenceService."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pilotlight.errors import ManifestError
from pilotlight.local.documents import Documents, Service
from pilotlight.local.pod import Main, main_container
from pilotlight.local.program import Program, Surroundings, program
from pilotlight.local.runtime import model_container
from pilotlight.local.schema import Component
from pilotlight.local.storage import Claims

PREDICTOR_OFFSET = 100
"""How far from the transformer's port its predictor listens."""

API_KEY = "PILOTLIGHT_API_KEY"
"""The variable with the key that the command itself asks the service with."""


@dataclass(frozen=True)
class Plan:
    """The programs of a service, in the order of their start.

    Attributes:
        notes: What a cluster would do, and this machine does not.
    """

    service: str
    programs: tuple[Program, ...]
    notes: tuple[str, ...]

    @property
    def entrance(self) -> Program:
        """The program that clients talk to."""
        return self.programs[-1]


@dataclass(frozen=True)
class Wishes:
    """What the user asked for beside the file.

    Args:
        scratch: Where the folders of this run's volumes are made.
        name: The service to run, where the file holds several.
        port: The port of the entrance; by default the container's own.
        knative: Set the variables that tell a program that it runs under Knative.
    """

    claims: Claims
    environ: Mapping[str, str]
    scratch: Path
    name: str | None = None
    port: int | None = None
    knative: bool = False


def plan(documents: Documents, file: Path, wishes: Wishes) -> Plan:
    """Decide what runs.

    Raises:
        ManifestError: The file has no such service, or one that cannot run here.
    """
    service = _service(documents, file, wishes.name)
    spec = service.document.spec
    if spec.predictor.storage_uris is not None:
        raise service.origin.error("spec.predictor.storageUris", "not supported; use storageUri")
    if spec.predictor.model is not None:
        predictor = model_container(service, documents.runtimes)
    else:
        predictor = main_container(spec.predictor, "predictor", service.origin)
    if spec.transformer is not None:
        programs = _with_transformer(service, predictor, spec.transformer, documents, wishes)
    else:
        programs = [program(predictor, _around(service, "predictor", documents, wishes))]
    return Plan(service.origin.name, tuple(programs), tuple(_notes(documents, predictor)))


def _service(documents: Documents, file: Path, name: str | None) -> Service:
    fitting = [s for s in documents.services if name in {None, s.origin.name}]
    names = ", ".join(s.origin.name for s in documents.services)
    if not documents.services:
        raise ManifestError(
            f"{file}: no InferenceService (serving.kserve.io/v1beta1) is in this file"
        )
    if not fitting:
        raise ManifestError(f"{file}: no InferenceService is named {name!r}; there are: {names}")
    if len(fitting) > 1:
        raise ManifestError(f"{file}: several InferenceServices; choose one by --name: {names}")
    return fitting[0]


def _around(service: Service, role: str, documents: Documents, wishes: Wishes) -> Surroundings:
    name = f"{service.origin.name}-{role}"
    knative = {"K_SERVICE": name, "K_CONFIGURATION": name, "K_REVISION": f"{name}-00001"}
    ours = {*knative, "PORT", API_KEY}
    return Surroundings(
        environ={k: v for k, v in wishes.environ.items() if k not in ours},
        claims=wishes.claims,
        scratch=wishes.scratch,
        kept=documents.kept,
        port=wishes.port,
        extra_env=knative if wishes.knative else {},
    )


def _with_transformer(
    service: Service, predictor: Main, component: Component, documents: Documents, wishes: Wishes
) -> list[Program]:
    """A transformer takes the predictor's place, and is told where the predictor is.

    Arguments as KServe's controller appends them (``custom_transformer.go``).
    """
    transformer = main_container(component, "transformer", service.origin)
    around = _around(service, "transformer", documents, wishes)
    own_port = program(transformer, around).port
    behind = program(
        predictor,
        replace(_around(service, "predictor", documents, wishes), port=own_port + PREDICTOR_OFFSET),
    )
    appended = [
        "--model_name",
        service.origin.name,
        "--predictor_host",
        f"127.0.0.1:{behind.port}",
        "--http_port",
        str(own_port),
    ]
    if component.container_concurrency is not None:
        appended += ["--workers", str(component.container_concurrency)]
    return [behind, program(transformer, replace(around, extra_args=tuple(appended)))]


def _notes(documents: Documents, predictor: Main) -> list[str]:
    notes = []
    if predictor.container.resources:
        notes.append("resources are not limited here")
    if documents.others:
        notes.append(f"left to the cluster: {', '.join(documents.others)}")
    return notes
