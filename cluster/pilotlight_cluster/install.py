"""Putting Pilotlight's own parts on the running cluster."""

import json

from pilotlight_cluster.addons import controller
from pilotlight_cluster.cluster import Cluster
from pilotlight_cluster.console import Progress
from pilotlight_cluster.images.project import CONTROLLER, ProjectImages, image_name

READY_TIMEOUT_S = 120


def install_controller(cluster: Cluster, progress: Progress) -> bool:
    """Build and load the controllers' image, apply manifests/controller, and wait for the pods.

    Returns:
        Whether another image was loaded.

    Raises:
        OperationError: A step failed; for pods that do not come up, with what they say.
    """
    images = ProjectImages(cluster, progress)
    changed = images.ensure(CONTROLLER)
    documents = controller.documents(
        cluster.kubectl, images.checkout, image_name(CONTROLLER), images.key(CONTROLLER)
    )
    with progress.step("install the controllers"):
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
        cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)
        cluster.kubectl.wait_for_definitions()
        for deployment in controller.PROMETHEUS_VARIABLES:
            cluster.kubectl(
                *("-n", controller.NAMESPACE, "rollout", "status"),
                *(f"deployment/{deployment}", f"--timeout={READY_TIMEOUT_S}s"),
                timeout_s=READY_TIMEOUT_S + 10,
            )
    return changed
