"""What went wrong between us and the API server, as one clear error."""

import json
from typing import Any

from pilotlight.errors import (
    AccessDenied,
    ClusterError,
    Conflict,
    ManifestError,
    NotInCluster,
    NotReached,
    PilotlightError,
)


def refusal(status: int, body: bytes, doing: str, origin: str) -> PilotlightError:
    """The error for an answer that is none of 2xx.

    Args:
        status: The HTTP status.
        body: Its body, most often a ``Status`` document.
        doing: What was asked, as in "get Pod a in namespace b".
        origin: Where the credentials come from.
    """
    message = _message(body) or f"HTTP {status}"
    denied_by_webhook = message.startswith("admission webhook") and "denied" in message
    wrong = status == 422 or (status == 400 and not doing.startswith("get"))
    if wrong or denied_by_webhook or message.startswith("failed to create typed patch"):
        return ManifestError(f"the cluster refuses to {doing}: {message}")
    if status == 401 or (status == 403 and '"system:anonymous"' in message):
        return AccessDenied(
            f"the API server does not know who asks to {doing}: the credentials of {origin} are "
            "missing, have expired or belong to another cluster; log in again"
        )
    if status == 403:
        return AccessDenied(f"{origin} is not permitted to {doing}: {message}")
    if status == 404 and _is_kubernetes(body):
        return NotInCluster(f"cannot {doing}: {message}")
    if status == 409:
        return Conflict(f"cannot {doing}: {message}")
    if "failed calling webhook" in message:
        return ClusterError(
            f"cannot {doing}, because an admission webhook does not answer (are its pods ready? "
            f"pilotlight cluster check): {message}"
        )
    return ClusterError(f"the API server failed to {doing} (HTTP {status}): {message}")


def silence(server: str, why: str, doing: str, origin: str) -> NotReached:
    """The error for a call that got no answer."""
    return NotReached(
        f"cannot {doing}: no answer from the API server {server} ({origin}): "
        f"{' '.join(why.split())}. Is the cluster running, and is this the right kubeconfig? "
        "For a local one: pilotlight cluster up"
    )


def _message(body: bytes) -> str:
    try:
        status: Any = json.loads(body)
    except ValueError:
        return body.decode(errors="replace").strip()[:300]
    return str(status.get("message") or "") if isinstance(status, dict) else ""


# Of a path that it does not know the API server says so in plain text.
def _is_kubernetes(body: bytes) -> bool:
    return b'"kind":"Status"' in body.replace(b" ", b"") or body.startswith(b"404 page not found")
