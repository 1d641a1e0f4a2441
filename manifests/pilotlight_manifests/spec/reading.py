"""A specification from its YAML file."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from pilotlight.errors import UsageError
from pilotlight_manifests.spec.served_model import ServedModel


def read(path: Path) -> ServedModel:
    """The served model that a file specifies.

    Raises:
        UsageError: The file cannot be read, or says something wrong; one line that names the
            field and what to do.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a text file in UTF-8") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: one mapping is expected; the smallest has `name` and `model`")
    if "apiVersion" in content:
        raise UsageError(
            f"{path}: this is a Kubernetes object, not a specification: apply it as it is"
        )
    try:
        return ServedModel.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"{path}: {_sentence(error)}") from None


def _sentence(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_context=False)
    first = faults[0]
    where = ".".join(str(part) for part in first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        what = "there is no such field (see `pilotlight manifests schema`)"
    elif first["type"] == "missing":
        what = "is needed"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{where}: {what}{more}" if where else f"{what}{more}"
