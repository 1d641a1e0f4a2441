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

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return variables.get(match[1], match[0])

    return _REFERENCE.sub(value, text)


def fill_placeholders(text: str, metadata: Metadata) -> str:
    """Replace ``{{.Name}}``, ``{{.Namespace}}``, ``{{.Labels.x}}`` and ``{{.Annotations.x}}``.

    Source: ``ReplacePlaceholders`` of KServe ``inferenceservice/utils/utils.go``.

    Raises:
        KeyError: A placeholder that the metadata has no value for.
    """

    def value(match: re.Match[str]) -> str:
        field, _, key = match[1].strip().removeprefix(".").partition(".")
        values: Mapping[str, str] = {
            "Labels": metadata.labels,
            "Annotations": metadata.annotations,
        }.get(field, {"Name": metadata.name, "Namespace": metadata.namespace})
        try:
            return values[key or field]
        except KeyError:
            raise KeyError(match[0]) from None

    return _PLACEHOLDER.sub(value, text)
