"""The stores that the steps of one pipeline share."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from pilotlight_transformer.stores.database import Database
from pilotlight_transformer.stores.shared import Shared


class StoreSettings(BaseModel):
    """``stores:`` of the pipeline's YAML."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Annotated[
        Path,
        Field(
            description="Folder of the embedded databases: a volume, if they shall outlive the pod."
        ),
    ] = Path("/tmp/pilotlight")  # noqa: S108  # an emptyDir or a volume in a pod
    redis: Annotated[
        SecretStr | None,
        Field(description="redis:// or rediss:// URL; steps that can share their state use it."),
    ] = None


class Stores:
    """Opens each store once, when it is first asked for."""

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings
        self._databases: dict[str, Database] = {}
        self._shared: Shared | None = None

    def database(self, name: str) -> Database:
        """The embedded database ``<folder>/<name>.db``, made if it is missing.

        Raises:
            UsageError: The folder cannot be written.
        """
        if name not in self._databases:
            self._databases[name] = Database(self.settings.folder / f"{name}.db")
        return self._databases[name]

    @property
    def shared(self) -> Shared | None:
        """Redis, if the pipeline names one; it is asked for the first time when it is used."""
        if self._shared is None and self.settings.redis is not None:
            self._shared = Shared(self.settings.redis.get_secret_value())
        return self._shared

    async def close(self) -> None:
        """Close what was opened."""
        for database in self._databases.values():
            await database.close()
        if self._shared is not None:
            await self._shared.close()
