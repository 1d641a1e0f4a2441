"""The labels and annotations by which a rollout finds its objects."""

from pilotlight.api.meta import GROUP
from pilotlight.kserve.names import fitting
from pilotlight_canary.observation import Role

TEMPLATE_HASH = f"{GROUP}/template-hash"
ROLLOUT = f"{GROUP}/rollout"
ROLE = f"{GROUP}/role"

NO_GC = "serving.knative.dev/no-gc"
VISIBILITY = "networking.knative.dev/visibility"


def route_name(service: str, role: Role) -> str:
    """Our Route to one version of a service."""
    return fitting(service, role)
