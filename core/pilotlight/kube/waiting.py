"""Waiting until an object is as it should be."""

import time
from collections.abc import Callable
from typing import Any

from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import NotInCluster, NotReached
from pilotlight.kube.cluster import Reader
from pilotlight.kube.document import Document, Reference, condition


def has_condition(type_: str) -> Callable[[Document], str | None]:
    """A test for ``wait``: the condition is True, for the object as it is specified now."""

    def problem(document: Document) -> str | None:
        status: dict[str, Any] = document.get("status") or {}
        generation = document.get("metadata", {}).get("generation", 0)
        if status.get("observedGeneration", generation) < generation:
            return "its controller has not seen the last change yet"
        found = condition(document, type_)
        if found is None:
            return f"nothing has set its condition {type_} yet"
        if found.is_true:
            return None
        return " ".join(
            part for part in (f"{type_} is {found.status}:", found.reason, found.message) if part
        )

    return problem


def wait(
    cluster: Reader,
    reference: Reference,
    problem: Callable[[Document], str | None],
    *,
    timeout_s: float,
    interval_s: float = 0.25,
    clock: Clock | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Document:
    """Look at an object until nothing is wrong with it, and return it.

    Args:
        problem: What is still wrong, in words, or ``None``.
        timeout_s: Seconds to look for; a call that is under way then may still finish.

    Raises:
        NotReached: Not in time; the message says what was wrong to the end.
        AccessDenied: It cannot be seen at all.
    """
    clock = clock or SystemClock()
    deadline = clock.monotonic() + timeout_s
    while True:
        try:
            document = cluster.get(reference)
            wrong = problem(document)
            if wrong is None:
                return document
        except (NotInCluster, NotReached) as error:
            wrong = str(error)
        if clock.monotonic() >= deadline:
            raise NotReached(f"{reference}: not in {timeout_s:g} s: {wrong}")
        sleep(interval_s)
