"""Tells Prometheus which pods there are: Debian's build of it cannot ask Kubernetes itself.

Speaks Prometheus' HTTP service discovery (prometheus.io/docs/prometheus/latest/http_sd):
``GET /JOB`` answers with one target per container port of that job.

    python -m pilotlight_cluster.discovery KUBECONFIG PORT
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pilotlight.errors import PilotlightError
from pilotlight.kube.access import connect
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document
from pilotlight.kube.kinds import POD


@dataclass(frozen=True)
class Job:
    """Which ports are scraped together.

    Attributes:
        namespaces: Empty for all.
        port: The name of the container port.
    """

    name: str
    port: str
    namespaces: tuple[str, ...] = ()


JOBS = (
    Job("knative", "metrics", ("knative-serving", "kourier-system")),
    Job("kserve", "metrics", ("kserve",)),
    # queue-proxy's view of a revision's requests.
    Job("queue-proxy", "http-usermetric"),
    # The model server's own, and the transformer's.
    Job("model", "user-port"),
)
LABELS = {
    "revision": "serving.knative.dev/revision",
    "inferenceservice": "serving.kserve.io/inferenceservice",
    "component": "component",
}


def targets(job: Job, pods: list[Document]) -> Iterator[dict[str, Any]]:
    """The entries that Prometheus is to scrape for a job."""
    for pod in pods:
        metadata, status = pod["metadata"], pod.get("status", {})
        wanted = not job.namespaces or metadata["namespace"] in job.namespaces
        if not wanted or status.get("phase") != "Running" or not status.get("podIP"):
            continue
        for container in pod["spec"]["containers"]:
            for port in container.get("ports", []):
                if port.get("name") == job.port:
                    address = f"{status['podIP']}:{port['containerPort']}"
                    yield {"targets": [address], "labels": _labels(metadata)}


def _labels(metadata: dict[str, Any]) -> dict[str, str]:
    given = metadata.get("labels", {})
    found = {name: given[label] for name, label in LABELS.items() if label in given}
    path = metadata.get("annotations", {}).get("prometheus.io/path")
    if path:
        found["__metrics_path__"] = path
    return found | {"namespace": metadata["namespace"], "pod": metadata["name"]}


class Answers(BaseHTTPRequestHandler):
    """Answers from the cluster's pods as they are now."""

    cluster: Cluster

    def do_GET(self) -> None:
        job = next((job for job in JOBS if self.path == f"/{job.name}"), None)
        if job is None:
            self.send_error(404)
            return
        try:
            found = list(targets(job, list(self.cluster.list(POD))))
        except PilotlightError as error:
            self.send_error(503, "the cluster does not answer", str(error))
            return
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Prometheus asks every few seconds: nothing to tell."""


def main(kubeconfig: Path, port: int) -> None:
    """Serve on loopback until the process ends."""
    Answers.cluster = connect(kubeconfig)
    ThreadingHTTPServer(("127.0.0.1", port), Answers).serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
