"""What a pod gives to its main container: volumes, environment, the model."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pilotlight.local.expansion import expand
from pilotlight.local.kept import Kept, Kind
from pilotlight.local.origin import Origin
from pilotlight.local.schema import Component, Container, EnvFrom, ValueFrom, Volume
from pilotlight.local.storage import MODEL_MOUNT, Claims, model_directory
from pilotlight.local.volumes import HERE_TOO, Folder, made

MAIN_CONTAINER = "kserve-container"
STORAGE_URI = "STORAGE_URI"
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


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


def environment(main: Main, implied: Mapping[str, str], kept: Kept) -> dict[str, str]:
    """The variables of a container, with references to earlier ones replaced.

    KServe's webhook replaces the storage URI by the place where the model was put.

    Args:
        implied: What the controllers set, whatever the container says.
        kept: The file's ConfigMaps and Secrets.

    Raises:
        ManifestError: A value comes from an object that is not in the file.
    """
    values = dict(implied)
    for index, source in enumerate(main.container.env_from):
        values |= _all_of(main, f"{main.field}.envFrom[{index}]", source, kept)
    for index, variable in enumerate(main.container.env):
        if variable.value_from is not None:
            field = f"{main.field}.env[{index}].valueFrom"
            found = _one_of(main, field, variable.name, variable.value_from, kept)
            if found is not None:
                values[variable.name] = found
            continue
        value = MODEL_MOUNT if variable.name == STORAGE_URI else variable.value
        values[variable.name] = expand(value, values)
    return values | dict(implied)


def _all_of(main: Main, field: str, source: EnvFrom, kept: Kept) -> dict[str, str]:
    """A variable for each key, less what can be none: other names than Kubernetes takes, bytes."""
    references = ((Kind.CONFIG_MAP, source.config_map_ref), (Kind.SECRET, source.secret_ref))
    values = {}
    for kind, reference in references:
        if reference is None:
            continue
        try:
            found = kept.whole(kind, reference.name, optional=reference.optional)
        except ValueError as error:
            raise main.origin.error(field, str(error)) from None
        for key, value in found.items():
            with suppress(UnicodeDecodeError):
                if _VARIABLE.fullmatch(f"{source.prefix}{key}"):
                    values[f"{source.prefix}{key}"] = value.decode()
    return values


def _one_of(main: Main, field: str, name: str, source: ValueFrom, kept: Kept) -> str | None:
    references = (
        (Kind.CONFIG_MAP, source.config_map_key_ref),
        (Kind.SECRET, source.secret_key_ref),
    )
    for kind, reference in references:
        if reference is None:
            continue
        try:
            value = kept.value(kind, reference.name, reference.key, optional=reference.optional)
            return None if value is None else value.decode()
        except UnicodeDecodeError:
            raise main.origin.error(field, "the value is no text") from None
        except ValueError as error:
            raise main.origin.error(field, str(error)) from None
    raise main.origin.error(field, f"{name} comes from an object of the cluster; give it a value")


@dataclass(frozen=True)
class Mounts:
    """What stands at a container's mount points here.

    Attributes:
        places: A folder or file of this machine for each mount point.
        folders: Those that are made for this run.
    """

    places: Mapping[str, Path]
    folders: tuple[Folder, ...] = ()


def mounts(main: Main, claims: Claims, kept: Kept, scratch: Path) -> Mounts:
    """What stands at the container's mount points.

    Args:
        claims: Where persistent volumes lie.
        kept: The file's ConfigMaps and Secrets.
        scratch: Where folders for this run are made.

    Raises:
        ManifestError: A volume exists only in a cluster, or something of it is missing.
    """
    places: dict[str, Path] = {}
    folders: dict[str, Folder] = {}
    volumes = {volume.name: volume for volume in main.volumes}
    for index, mount in enumerate(main.container.volume_mounts):
        field = f"{main.field}.volumeMounts[{index}]"
        volume = volumes.get(mount.name)
        if volume is None:
            raise main.origin.error(field, f"no volume is named {mount.name!r}")
        if volume.persistent_volume_claim is not None:
            claim = volume.persistent_volume_claim.claim_name
            places[mount.mount_path] = _directory(
                main, field, f"pvc://{claim}/{mount.sub_path}", claims
            )
        elif volume.empty_dir is None or mount.mount_path.rstrip("/") not in HERE_TOO:
            path = scratch / main.role / volume.name
            folders[volume.name] = _folder(main, field, volume, path, kept)
            places[mount.mount_path] = path / mount.sub_path
            if volume.empty_dir is not None and mount.sub_path:
                folders[f"{volume.name}/{mount.sub_path}"] = Folder(path / mount.sub_path)
    if main.storage_uri is not None:
        field = f"{main.field} (storage URI)"
        places[MODEL_MOUNT] = _directory(main, field, main.storage_uri, claims)
    return Mounts(places, tuple(folder.relocated(places) for folder in folders.values()))


def _folder(main: Main, field: str, volume: Volume, path: Path, kept: Kept) -> Folder:
    try:
        folder = made(volume, path, kept)
    except ValueError as error:
        raise main.origin.error(field, str(error)) from error
    if folder is None:
        raise main.origin.error(
            field,
            "only emptyDir, persistentVolumeClaim, configMap and secret volumes exist on this "
            "machine",
        )
    return folder


def _directory(main: Main, field: str, uri: str, claims: Claims) -> Path:
    try:
        return model_directory(uri, claims)
    except ValueError as error:
        raise main.origin.error(field, str(error)) from error
