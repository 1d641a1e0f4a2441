"""The pipeline's YAML: read, checked whole, and only then used."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pilotlight.errors import UsageError
from pilotlight_transformer.pipeline.registry import BUILT_IN, step_class
from pilotlight_transformer.pipeline.step import Step, StepSettings
from pilotlight_transformer.stores.stores import StoreSettings

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    stores: StoreSettings = Field(default_factory=StoreSettings)
    pipeline: list[str | dict[str, Any]] | None = None


@dataclass(frozen=True)
class StepChoice:
    """A step of the list, with its checked settings."""

    name: str
    step: type[Step]
    settings: StepSettings


@dataclass(frozen=True)
class Configuration:
    """What one YAML file says, checked."""

    stores: StoreSettings = field(default_factory=StoreSettings)
    steps: tuple[StepChoice, ...] = ()


def read_configuration(
    path: Path | None, environment: Mapping[str, str] | None = None
) -> Configuration:
    """Read and check a pipeline's file; no file is an empty pipeline.

    ``${NAME}`` in a value is replaced by the environment's variable.

    Raises:
        UsageError: It cannot be read or is wrong; the message names the place.
    """
    if path is None:
        return Configuration()
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"pipeline: {path} cannot be read: {error}") from None
    return parse_configuration(text, os.environ if environment is None else environment)


def parse_configuration(text: str, environment: Mapping[str, str]) -> Configuration:
    """Check a pipeline's YAML. Raises as :func:`read_configuration` does."""
    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"pipeline: the file is no YAML: {error}") from None
    if loaded is None:
        return Configuration()
    try:
        document = _Document.model_validate(_filled(loaded, environment))
    except ValidationError as error:
        raise UsageError(f"pipeline: {_fault(error)}") from None
    choices = tuple(_choice(entry) for entry in document.pipeline or ())
    names = [choice.name for choice in choices]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"pipeline: the step {twice} is there twice: keep one of them")
    _check_order(names)
    return Configuration(document.stores, choices)


def _check_order(names: list[str]) -> None:
    """Nothing, if no built-in step acts for a caller whom ``auth`` has not seen yet."""
    before = names[: names.index("auth")] if "auth" in names else ()
    if early := next((name for name in before if name in BUILT_IN and name != "audit"), None):
        raise UsageError(
            f"pipeline: {early} stands before auth and would serve callers whom nobody knows: put "
            "auth first, or behind audit"
        )


def _choice(entry: str | dict[str, Any]) -> StepChoice:
    if isinstance(entry, str):
        name, given = entry, None
    elif len(entry) == 1:
        ((name, given),) = entry.items()
    else:
        raise UsageError(
            f"pipeline: each entry is a step's name with its settings under it, not {sorted(entry)}"
        )
    step = step_class(str(name))
    try:
        settings = step.Settings.model_validate({} if given is None else given)
    except ValidationError as error:
        raise UsageError(f"pipeline: {name}: {_fault(error)}") from None
    return StepChoice(str(name), step, settings)


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    """``value`` with the environment's variables in its texts."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _variable(found[1], environment), value)
    if isinstance(value, dict):
        return {key: _filled(inner, environment) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, environment) for inner in value]
    return value


def _variable(name: str, environment: Mapping[str, str]) -> str:
    if name not in environment:
        raise UsageError(f"pipeline: the variable {name} is not in the environment")
    return environment[name]


def _fault(error: ValidationError) -> str:
    """The first fault, without the value: it may be a secret."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
