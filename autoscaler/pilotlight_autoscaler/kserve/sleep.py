"""Whether a server's replicas can sleep: vLLM's sleep mode, which takes a GPU."""

from collections.abc import Iterator, Mapping
from typing import Any

from pilotlight_autoscaler.kserve.gpus import gpus_of

FLAG = "--enable-sleep-mode"
LEVELS = frozenset({1, 2})
"""1 keeps the weights in the host's memory, 2 drops them."""


def sleep_levels(spec: Mapping[str, Any]) -> frozenset[int]:
    """Levels at which a replica of a pod's spec, or of a Revision's, can be put to sleep."""
    if not gpus_of(spec):
        return frozenset()
    # vLLM takes underscores for hyphens, and the shell's words may be one argument.
    words = (word.replace("_", "-") for word in _words(spec))
    return LEVELS if any(word in (FLAG, f"{FLAG}=true") for word in words) else frozenset()


def _words(spec: Mapping[str, Any]) -> Iterator[str]:
    for container in spec.get("containers") or []:
        for argument in [*(container.get("command") or []), *(container.get("args") or [])]:
            yield from argument.split()
