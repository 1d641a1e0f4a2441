"""What a pod gives to its main container: volumes, environment, the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pilotlight.local.documents import Origin
from pilotlight.local.expansion import expand
from pilotlight.local.schema import Component, Container, Volume
from pilotlight.local.storage import MODEL_MOUNT, Claims, model_directory

MAIN_CONTAINER = "kserve-container"
STORAGE_URI = "STORAGE_URI"


@dataclass(frozen=True)
class Main:
    """The main container of a component, and where it was written.

    Args:
        role: ``predictor`` or ``transformer``.
        field: The path of the container in its document.
        storage_uri: What the storage initializer would put at ``/mnt/models``.
        grace_s: Seconds that a stopping pod is given: one whole request.
    """

    role: str
    container: Container
    volumes: tuple[Volume, ...]
    origin: Origin
    field: str
    storage_uri: str | None = None
    grace_s: float = 300.0


def main_container(component: Component, role: str, origin: Origin) -> Main:
    """The main container of a custom predictor or a transformer.

    Raises:
        ManifestError: There is none, or there are several and none has KServe's name.
    """
    field = f"spec.{role}.containers"
    containers = component.containers
    if not containers:
        raise origin.error(f"spec.{role}", "neither `containers` nor `model` is set")
    named = [i for i, c in enumerate(containers) if c.name == MAIN_CONTAINER]
    if len(containers) > 1 and not named:
        raise origin.error(field, f"several containers; name the main one {MAIN_CONTAINER}")
    index = named[0] if named else 0
    container = containers[index]
    uris = [e.value for e in container.env if e.name == STORAGE_URI and e.value]
    return Main(
        role,
        container,
        tuple(component.volumes),
        origin,
        f"{field}[{index}]",
        uris[0] if uris else None,
        float(component.timeout or 300),
    )


def environment(main: Main, implied: Mapping[str, str]) -> dict[str, str]:
    """The variables of a container, with references to earlier ones replaced.

    KServe's webhook replaces the storage URI by the place where the model was put.

    Raises:
        ManifestError: A value comes from an object of the cluster.
    """
    if main.container.env_from:
        raise main.origin.error(f"{main.field}.envFrom", "needs a cluster; write the values as env")
    values = dict(implied)
    for index, variable in enumerate(main.container.env):
        if variable.value_from is not None:
            raise main.origin.error(
                f"{main.field}.env[{index}].valueFrom",
                f"{variable.name} comes from an object of the cluster; give it a value",
            )
        value = MODEL_MOUNT if variable.name == STORAGE_URI else variable.value
        values[variable.name] = expand(value, values)
    return values | dict(implied)


def mounts(main: Main, claims: Claims) -> dict[str, Path]:
    """The directories of this machine that stand at the container's mount points.

    Raises:
        ManifestError: A volume holds an object of the cluster, or a directory is missing.
    """
    directories = {}
    volumes = {volume.name: volume for volume in main.volumes}
    for index, mount in enumerate(main.container.volume_mounts):
        field = f"{main.field}.volumeMounts[{index}]"
        volume = volumes.get(mount.name)
        if volume is None:
            raise main.origin.error(field, f"no volume is named {mount.name!r}")
        if volume.persistent_volume_claim is not None:
            claim = volume.persistent_volume_claim.claim_name
            directories[mount.mount_path] = _directory(
                main, field, f"pvc://{claim}/{mount.sub_path}", claims
            )
        elif volume.empty_dir is None:
            raise main.origin.error(
                field, "only emptyDir and persistentVolumeClaim volumes exist on this machine"
            )
    if main.storage_uri is not None:
        field = f"{main.field} (storage URI)"
        directories[MODEL_MOUNT] = _directory(main, field, main.storage_uri, claims)
    return directories


def _directory(main: Main, field: str, uri: str, claims: Claims) -> Path:
    try:
        return model_directory(uri, claims)
    except ValueError as error:
        raise main.origin.error(field, str(error)) from error
