"""The labels and annotations by which KServe and Knative find their objects."""

import hashlib
from collections.abc import Mapping
from typing import Any

SERVICE = "serving.kserve.io/inferenceservice"
COMPONENT = "component"
DEPLOYMENT_MODE = "serving.kserve.io/deploymentMode"
REVISION = "serving.knative.dev/revision"

LONGEST = 63
DIGITS = 8


def fitting(*parts: str) -> str:
    """Parts joined to a DNS label; the first one is cut, and a hash added, where it is too long."""
    whole = "-".join(parts)
    if len(whole) <= LONGEST:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:DIGITS]
    rest = "-".join((digest, *parts[1:]))
    return f"{parts[0][: LONGEST - len(rest) - 1].rstrip('-.')}-{rest}"


def labels(document: Mapping[str, Any]) -> Mapping[str, str]:
    """An object's labels."""
    found: Mapping[str, str] = (document.get("metadata") or {}).get("labels") or {}
    return found


def annotations(document: Mapping[str, Any]) -> Mapping[str, str]:
    """An object's annotations."""
    found: Mapping[str, str] = (document.get("metadata") or {}).get("annotations") or {}
    return found


def is_seen(document: Mapping[str, Any]) -> bool:
    """Whether an object's controller has looked at its spec as it is now."""
    generation = (document.get("metadata") or {}).get("generation", 0)
    return bool((document.get("status") or {}).get("observedGeneration", -1) >= generation)
