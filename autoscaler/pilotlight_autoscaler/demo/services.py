"""What the demonstration deploys: two alike services that sleep at zero, and a pool for one."""

from datetime import datetime, timedelta

from pilotlight.demo.standin import VOLUME, container
from pilotlight.kube.document import Document
from pilotlight.kube.kinds import INFERENCE_SERVICE, WARM_POOL
from pilotlight_autoscaler.demo.scene import REPLICA_HOUR

WARM, PLAIN = "with-warm-pool", "without"
LOADING_S = 15


def inference_service(namespace: str, name: str) -> Document:
    """A model that takes its time to load, as a person would apply it."""
    predictor = {
        "minReplicas": 0,
        "maxReplicas": 2,
        "scaleMetric": "concurrency",
        "scaleTarget": 40,
        "timeout": 60,
        "annotations": {
            "features.knative.dev/http-full-duplex": "Enabled",
            # Seconds instead of minutes, for somebody who looks on.
            "autoscaling.knative.dev/window": "6s",
            "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "0s",
        },
        "containers": [container({"token_s": "0.01", "ready_after_s": str(LOADING_S)})],
        "volumes": [VOLUME],
    }
    return {
        "apiVersion": INFERENCE_SERVICE.api_version,
        "kind": INFERENCE_SERVICE.name,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"predictor": predictor},
    }


def warm_pool(namespace: str, hour: datetime | None = None) -> Document:
    """A pool that wakes its service for an hour, once one is given."""
    spec = {
        "targetRef": {"name": WARM},
        "forecast": False,
        "prices": {"replicaHour": REPLICA_HOUR, "coldStart": 0.5},
    }
    if hour is not None:
        end = hour + timedelta(hours=1)
        spec["schedules"] = [
            {
                "timezone": "UTC",
                "start": f"{hour:%M %H} * * *",
                "end": f"{end:%M %H} * * *",
                "desiredReplicas": 1,
            }
        ]
    return {
        "apiVersion": WARM_POOL.api_version,
        "kind": WARM_POOL.name,
        "metadata": {"name": WARM, "namespace": namespace},
        "spec": spec,
    }
