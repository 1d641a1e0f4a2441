"""Waiting with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(what: str, look: Callable[[], T | None], timeout_s: float, interval_s: float = 0.25) -> T:
    """Look until there is something to see.

    Args:
        what: What is waited for, in words.
        look: Returns it; ``None``, ``False`` and what is empty mean not yet.
        timeout_s: For how long.
        interval_s: Between looks.

    Raises:
        AssertionError: Not in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not in {timeout_s:g} s: {what}"
        time.sleep(interval_s)
