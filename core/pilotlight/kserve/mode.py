"""How KServe deploys a service: only with Knative can it split traffic."""

import json

from pilotlight.errors import NotInCluster
from pilotlight.kserve.names import DEPLOYMENT_MODE, annotations
from pilotlight.kube.cluster import Reader
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import CONFIG_MAP

SETTINGS = Reference(CONFIG_MAP, "inferenceservice-config", "kserve")
KNATIVE = "Knative"
OLD_NAMES = {"Serverless": KNATIVE, "RawDeployment": "Standard"}


def mode_of(reader: Reader, document: Document) -> str:
    """KServe's deployment mode of a service: what it has taken, was told, or takes by default."""
    told = (document.get("status") or {}).get("deploymentMode") or annotations(document).get(
        DEPLOYMENT_MODE
    )
    mode = told or _default(reader)
    return OLD_NAMES.get(mode, mode)


def _default(reader: Reader) -> str:
    try:
        settings = json.loads((reader.get(SETTINGS).get("data") or {}).get("deploy") or "{}")
    except (NotInCluster, ValueError):
        return KNATIVE
    return str(settings.get("defaultDeploymentMode") or KNATIVE)
