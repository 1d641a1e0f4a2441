"""Settings that every process on a developer's machine shares."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class CacheSettings(BaseSettings):
    """Where downloads, converted models and logs are kept between runs."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    home: Path | None = Field(default=None, validation_alias="XDG_CACHE_HOME")

    @property
    def directory(self) -> Path:
        """``$XDG_CACHE_HOME/pilotlight``; an unset or relative value means ``~/.cache`` (XDG)."""
        home = self.home
        if home is None or not home.is_absolute():
            home = Path.home() / ".cache"
        return home / "pilotlight"
