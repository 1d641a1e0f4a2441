"""Regular expressions of a schema, used only where they are certain to end soon."""

import re
from collections.abc import Iterable
from functools import lru_cache
from math import inf
from re import _constants, _parser  # type: ignore[attr-defined]  # only there are patterns a tree
from typing import Any

MAX_LENGTH = 500
MAX_STEPS = 1_000_000
"""Of backtracking, at most: some milliseconds. While it runs, nothing else does."""

_REPEATS = frozenset({_constants.MAX_REPEAT, _constants.MIN_REPEAT})
_PLAIN = frozenset(
    {
        _constants.LITERAL,
        _constants.NOT_LITERAL,
        _constants.ANY,
        _constants.IN,
        _constants.AT,
        _constants.CATEGORY,
        _constants.RANGE,
    }
)


def matches(pattern: str, text: str) -> bool | None:
    """Whether ``pattern`` is found in ``text``; ``None``: it might take too long to tell."""
    tree = _tree(pattern)
    if tree is None:
        return None
    length = len(text) + 1
    starts = 1 if len(tree) and tree[0] == (_constants.AT, _constants.AT_BEGINNING) else length
    if starts * _ways(tree, length) > MAX_STEPS:
        return None
    return re.search(pattern, text) is not None


@lru_cache(maxsize=256)
def _tree(pattern: str) -> Any:
    if len(pattern) > MAX_LENGTH:
        return None
    try:
        return _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return None


def _ways(items: Iterable[Any], length: int) -> float:
    """A bound for the ways in which a text of ``length`` can be read by these items in a row."""
    ways = 1.0
    for kind, argument in items:
        ways *= _ways_of(kind, argument, length)
        if ways > MAX_STEPS:
            return inf
    return ways


def _ways_of(kind: object, argument: Any, length: int) -> float:
    if kind in _PLAIN:
        return 1
    if kind is _constants.SUBPATTERN:
        return _ways(argument[-1], length)
    if kind is _constants.BRANCH:
        return sum(_ways(branch, length) for branch in argument[1])
    if kind in _REPEATS:
        inner = argument[2]
        least, most = int(argument[0]), min(int(argument[1]), length)
        once = _ways(inner, length)
        if once > 1 and most > 1:
            # Each round may be read in several ways: that grows with a power.
            return inf if most > 20 else float(once**most) * (most - min(least, most) + 1)
        return once * (most - min(least, most) + 1)
    # Look-arounds, back references, conditions: not in a schema that one can bound.
    return inf
