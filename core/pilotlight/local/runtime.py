"""Which serving runtime a model gets, and the container that the two make together.

Sources, KServe 0.20: ``GetSupportingRuntimes`` (``predictor_model.go``), ``MergeRuntimeContainers``
and ``ReplacePlaceholders`` (``inferenceservice/utils/utils.go``).
"""

from collections.abc import Sequence

from pilotlight.errors import ManifestError
from pilotlight.local.documents import Runtime, Service
from pilotlight.local.expansion import fill_placeholders
from pilotlight.local.pod import MAIN_CONTAINER, Main
from pilotlight.local.schema import Container, Metadata, Model

FIELD = "spec.predictor.model"


def model_container(service: Service, runtimes: Sequence[Runtime]) -> Main:
    """The container that KServe would run for a model.

    Raises:
        ManifestError: The service has no model, no runtime fits, or a placeholder has no value.
    """
    predictor = service.document.spec.predictor
    model = predictor.model
    if model is None:
        raise service.origin.error(FIELD, "missing")
    if model.storage is not None:
        raise service.origin.error(
            f"{FIELD}.storage", "its credentials are in the cluster; use storageUri"
        )
    runtime = choose(service, model, runtimes)
    mains = [c for c in runtime.document.spec.containers if c.name == MAIN_CONTAINER]
    if not mains:
        raise runtime.origin.error("spec.containers", f"no container is named {MAIN_CONTAINER}")
    container = _overlay(mains[0], model)
    try:
        filled = _filled(container, service.document.metadata)
    except KeyError as error:
        raise runtime.origin.error(
            "spec.containers", f"the InferenceService has no value for {error.args[0]}"
        ) from error
    return Main(
        "predictor",
        filled,
        (*runtime.document.spec.volumes, *predictor.volumes),
        service.origin,
        FIELD,
        model.storage_uri,
        float(predictor.timeout or 300),
    )


def choose(service: Service, model: Model, runtimes: Sequence[Runtime]) -> Runtime:
    """The runtime that the model names, or else the first that supports it by itself."""
    if model.runtime is not None:
        return _named(service, model, model.runtime, runtimes)
    fitting = [r for r in runtimes if _supports(r, model) and not r.document.spec.disabled]
    if not fitting:
        raise service.origin.error(
            f"{FIELD}.modelFormat",
            f"no runtime in this file supports {_label(model)} with autoSelect; "
            "add its ServingRuntime to the file",
        )
    # Kubernetes lists by name; the sort is stable, so equal priorities keep that order.
    fitting.sort(key=lambda r: (r.of_cluster, -_priority(r, model), r.origin.name))
    return fitting[0]


def _named(service: Service, model: Model, name: str, runtimes: Sequence[Runtime]) -> Runtime:
    def refuse(why: str) -> ManifestError:
        return service.origin.error(f"{FIELD}.runtime", f"the runtime {name!r} {why}")

    candidates = sorted((r for r in runtimes if r.origin.name == name), key=lambda r: r.of_cluster)
    if not candidates:
        raise refuse("is not in this file; add its ServingRuntime document")
    if candidates[0].document.spec.disabled:
        raise refuse("is disabled")
    if not _supports(candidates[0], model):
        raise refuse(f"does not support {_label(model)}")
    return candidates[0]


def _supports(runtime: Runtime, model: Model) -> bool:
    spec = runtime.document.spec
    # A runtime chosen by itself must speak V1 unless the model asks for another protocol.
    protocol = model.protocol_version or (None if model.runtime else "v1")
    if protocol and spec.protocol_versions and protocol not in spec.protocol_versions:
        return False
    return any(
        supported.name == model.model_format.name
        and model.model_format.version in {None, supported.version}
        and (supported.auto_select or model.runtime is not None)
        for supported in spec.supported_model_formats
    )


def _priority(runtime: Runtime, model: Model) -> int:
    formats = runtime.document.spec.supported_model_formats
    return max((f.priority or 0 for f in formats if f.name == model.model_format.name), default=0)


def _label(model: Model) -> str:
    version = f" version {model.model_format.version}" if model.model_format.version else ""
    protocol = f" over {model.protocol_version}" if model.protocol_version else ""
    return f"the model format {model.model_format.name}{version}{protocol}"


def _overlay(runtime: Container, model: Model) -> Container:
    """A strategic merge, but with the arguments of both: the runtime's first."""
    env = {e.name: e for e in (*runtime.env, *model.env)}
    ports = {p.container_port: p for p in (*runtime.ports, *model.ports)}
    mounts = {m.mount_path: m for m in (*runtime.volume_mounts, *model.volume_mounts)}
    return Container.model_validate(
        {
            "name": runtime.name,
            "image": model.image or runtime.image,
            "command": model.command or runtime.command,
            "args": [*runtime.args, *model.args],
            "workingDir": model.working_dir or runtime.working_dir,
            "env": list(env.values()),
            "envFrom": model.env_from or runtime.env_from,
            "ports": list(ports.values()),
            "volumeMounts": list(mounts.values()),
        }
    )


def _filled(container: Container, metadata: Metadata) -> Container:
    def fill(text: str) -> str:
        return fill_placeholders(text, metadata)

    return container.model_copy(
        update={
            "image": fill(container.image),
            "command": [fill(word) for word in container.command],
            "args": [fill(word) for word in container.args],
            "env": [e.model_copy(update={"value": fill(e.value)}) for e in container.env],
        }
    )
