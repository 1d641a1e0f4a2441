"""What a caller may do: ``route:model``, each half with ``*`` for any text."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator

from pilotlight_transformer.pipeline.route import Route

EVERYTHING = "*:*"
MAX_SCOPE_LENGTH = 512


def matches(pattern: str, text: str) -> bool:
    """Whether ``text`` is ``pattern``, in which ``*`` stands for any text, also none.

    Takes time linear in the pattern times the text, whatever the pattern.
    """
    first, star, rest = pattern.partition("*")
    if not star:
        return pattern == text
    *middle, last = rest.split("*")
    if len(text) < len(first) + len(last):
        return False
    if not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def routes_of(scope: str) -> tuple[Route, ...]:
    """The routes that a scope opens; none, if it is not written as a scope."""
    route, colon, model = scope.partition(":")
    if not colon or not model or len(scope) > MAX_SCOPE_LENGTH:
        return ()
    return tuple(each for each in Route if matches(route, each.value))


def checked_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    """The same scopes.

    Raises:
        ValueError: One of them opens nothing; the message says how to write it.
    """
    for scope in scopes:
        if not routes_of(scope):
            routes = ", ".join(route.value for route in Route)
            raise ValueError(
                f"the scope {scope!r} opens no route: write it route:model, as in chat:*, "
                f"embeddings:e5 or {EVERYTHING}; the routes are {routes}"
            )
    return tuple(scopes)


Scopes = Annotated[tuple[str, ...], AfterValidator(checked_scopes)]
"""Scopes in a file that a person writes: one that opens nothing is a mistake."""


class Grants:
    """Scopes, read once, to be asked often.

    Args:
        scopes: What is no scope here (``openid``) grants nothing.
    """

    __slots__ = ("_all", "_models")

    def __init__(self, scopes: Iterable[str]) -> None:
        models: dict[Route, list[str]] = {}
        for scope in scopes:
            for route in routes_of(scope):
                models.setdefault(route, []).append(scope.partition(":")[2])
        self._all = frozenset(
            route for route, patterns in models.items() if any(not p.strip("*") for p in patterns)
        )
        self._models = {route: tuple(patterns) for route, patterns in models.items()}

    def opens_all(self, route: Route) -> bool:
        """Whether every model of ``route`` may be asked, and what names no model too."""
        return route in self._all

    def opens(self, route: Route, model: str | None) -> bool:
        """Whether ``model`` may be asked by ``route``.

        Args:
            model: ``None`` for what names no model: only a scope of all models opens it.
        """
        if route in self._all:
            return True
        if model is None:
            return False
        return any(matches(pattern, model) for pattern in self._models.get(route, ()))


@lru_cache(maxsize=1024)
def grants(scopes: tuple[str, ...]) -> Grants:
    """The grants of some scopes; equal ones share theirs."""
    return Grants(scopes)
