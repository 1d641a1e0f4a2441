"""Where things are kept."""

from pathlib import Path

import pytest

from pilotlight.settings import CacheSettings


def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert CacheSettings().directory == Path("/var/cache/me/pilotlight")


@pytest.mark.parametrize("value", [None, "", "relative/dir"])
def test_an_unusable_cache_home_means_the_default(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert CacheSettings().directory == Path("/home/me/.cache/pilotlight")
