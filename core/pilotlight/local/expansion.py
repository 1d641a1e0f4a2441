"""References in a container's text: Kubernetes' ``$(NAME)`` and KServe's ``{{.Name}}``."""

import re
from collections.abc import Mapping

from pilotlight.local.schema import Metadata

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace ``$(NAME)`` by its value; ``$$`` stands for ``$``, an unknown name stays as it is.

    Source: Kubernetes ``third_party/forked/golang/expansion/expand.go``.
    """

    def expanded(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else variables.get(match[1], match[0])

    return _REFERENCE.sub(expanded, text)


def fill_placeholders(text: str, metadata: Metadata) -> str:
    """Replace ``{{.Name}}``, ``{{.Namespace}}``, ``{{.Labels.x}}`` and ``{{.Annotations.x}}``.

    Source: ``ReplacePlaceholders`` of KServe ``inferenceservice/utils/utils.go``.

    Raises:
        KeyError: A placeholder that the metadata has no value for.
    """

    values = {".Name": metadata.name, ".Namespace": metadata.namespace}
    values |= {f".Labels.{name}": value for name, value in metadata.labels.items()}
    values |= {f".Annotations.{name}": value for name, value in metadata.annotations.items()}

    def filled(match: re.Match[str]) -> str:
        if match[1].strip() not in values:
            raise KeyError(match[0])
        return values[match[1].strip()]

    return _PLACEHOLDER.sub(filled, text)
