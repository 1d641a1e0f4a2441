"""How many GPUs a replica takes."""

from collections.abc import Mapping
from typing import Any

from pilotlight.kube.resources import asked

NAMES = frozenset({"nvidia.com/gpu", "amd.com/gpu", "intel.com/gpu", "habana.ai/gaudi"})
PREFIXES = ("nvidia.com/mig-", "gpu.intel.com/")
"""Resources that KServe counts as GPUs (``pkg/constants``), parts of them included."""


def gpus_of(spec: Mapping[str, Any]) -> int:
    """Of a pod's spec, or of a Revision's."""
    found = asked(spec)
    return int(
        sum(amount for name, amount in found.items() if name in NAMES or name.startswith(PREFIXES))
    )
