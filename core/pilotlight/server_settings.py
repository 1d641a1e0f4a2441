"""What predictor and transformer are started with alike: arguments and environment."""

import argparse
from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pilotlight.errors import UsageError

ENV_PREFIX = "PILOTLIGHT_"
KNATIVE_REVISION_VARIABLE = "K_REVISION"
DRAIN_DELAY_OUTSIDE_KNATIVE_S = 5.0


class ServerSettings(BaseSettings):
    """Settings whose fields are arguments and, below them, variables ``PILOTLIGHT_<NAME>``."""

    model_config = SettingsConfigDict(
        frozen=True, env_prefix=ENV_PREFIX, extra="forbid", protected_namespaces=()
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings


class ServerParser(argparse.ArgumentParser):
    """A parser that raises instead of leaving the process.

    Raises:
        UsageError: While parsing, with what is wrong.
    """

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def flag(name: str) -> str:
    """How messages write the argument of a field."""
    return "--" + name.replace("_", "-")


def flags(name: str) -> list[str]:
    """How a field's argument may be written: KServe has underscores."""
    return sorted({flag(name), "--" + name}, key=len)


def given(known: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, Any]:
    """The fields that a command line sets.

    Under Knative there is no drain delay unless somebody sets one: its queue-proxy has waited.

    Args:
        known: With ``None`` for what was not said.
        environment: Asked whether Knative runs this process.
    """
    fields = {name: value for name, value in vars(known).items() if value is not None}
    if KNATIVE_REVISION_VARIABLE in environment:
        fields.setdefault("drain_delay_s", environment.get(f"{ENV_PREFIX}DRAIN_DELAY_S", "0"))
    return fields
