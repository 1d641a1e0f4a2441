"""Which API server to talk to, and as whom: from a kubeconfig, or from inside a pod."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from pilotlight.errors import UsageError

START = "give --kubeconfig FILE, set KUBECONFIG, or start a cluster: pilotlight cluster up"
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class KubeSettings(BaseSettings):
    """Where kubectl, too, looks for a cluster."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    kubeconfig: str = Field(default="", validation_alias="KUBECONFIG")
    in_cluster: str = Field(default="", validation_alias="KUBERNETES_SERVICE_HOST")


@dataclass(frozen=True)
class Target:
    """An API server, the credentials for it and the namespace that is meant by default."""

    configuration: Any
    origin: str
    namespace: str = "default"


def find(path: Path | None = None, context: str | None = None) -> Target:
    """The cluster that is meant: ``path``, else ``$KUBECONFIG``, else ``~/.kube/config``, else
    the one that this pod runs in.

    Raises:
        UsageError: There is none, or its kubeconfig cannot be used.
    """
    settings = KubeSettings()
    if path is not None:
        files = str(path)
    elif settings.kubeconfig:
        files = settings.kubeconfig
    else:
        files = str(Path.home() / ".kube" / "config")
        if not Path(files).exists() and settings.in_cluster and context is None:
            return _inside_pod()
    if not any(Path(file).is_file() for file in files.split(os.pathsep) if file):
        raise UsageError(f"no kubeconfig at {files}: {START}")
    return _from_file(files, context)


def _from_file(files: str, context: str | None) -> Target:
    from kubernetes.client import Configuration
    from kubernetes.config import list_kube_config_contexts, load_kube_config
    from kubernetes.config.config_exception import ConfigException

    configuration = Configuration()
    try:
        contexts, current = list_kube_config_contexts(files)
        known = {entry["name"]: entry["context"] for entry in contexts}
        name = context or current["name"]
        if name not in known:
            listed = ", ".join(sorted(known)) or "it has none"
            raise UsageError(f"no context {name} in {files}: choose one with --context ({listed})")
        load_kube_config(files, context=name, client_configuration=configuration)
    except ConfigException as error:
        raise UsageError(f"kubeconfig {files} cannot be used: {error}; {START}") from error
    # The library takes the shape of the file for granted.
    except (OSError, ValueError, TypeError, KeyError, AttributeError, _yaml_error()) as error:
        detail = f"{type(error).__name__}: {error}"
        raise UsageError(f"{files} is not a kubeconfig ({detail}); {START}") from error
    return Target(
        configuration, f"context {name} of {files}", known[name].get("namespace") or "default"
    )


def _yaml_error() -> type[Exception]:
    from yaml import YAMLError

    return YAMLError


def _inside_pod() -> Target:
    from kubernetes.client import Configuration
    from kubernetes.config import load_incluster_config
    from kubernetes.config.config_exception import ConfigException

    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)
        namespace = POD_NAMESPACE.read_text().strip()
    except (ConfigException, OSError) as error:
        raise UsageError(
            f"this pod has no service account to talk to its cluster with ({error}): "
            "set automountServiceAccountToken: true"
        ) from error
    return Target(configuration, "the service account of this pod", namespace or "default")
