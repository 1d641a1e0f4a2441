"""One engine over several nodes: KServe starts a head and workers, Ray joins them.

The variables RAY_NODE_COUNT, TENSOR_PARALLEL_SIZE, PIPELINE_PARALLEL_SIZE and, in the workers,
HEAD_SVC are KServe's (``components/predictor.go``, ``multiNodeProcess``).
"""

from pilotlight_manifests.render.document import Manifest

RAY_PORT = 6379
OBJECT_STORE_BYTES = 256 * 2**20
"""vLLM keeps nothing in Ray's object store, which would take a third of the memory."""

_HEAD = f"""\
set -euo pipefail
ray start --head --port={RAY_PORT} --disable-usage-stats --include-dashboard=false \\
  --object-store-memory={OBJECT_STORE_BYTES}
python - <<'END'
import os, time, ray
ray.init(address="auto", log_to_driver=False)
while sum(node["Alive"] for node in ray.nodes()) < int(os.environ["RAY_NODE_COUNT"]):
    time.sleep(2)
END
exec python -m pilotlight_predictor --distributed-executor-backend=ray \\
  --tensor-parallel-size="$TENSOR_PARALLEL_SIZE" \\
  --pipeline-parallel-size="$PIPELINE_PARALLEL_SIZE" "$@"
"""

_WORKER = f"""\
set -euo pipefail
head="$HEAD_SVC.$POD_NAMESPACE.svc:{RAY_PORT}"
until ray health-check --address "$head"; do sleep 5; done
ray start --address="$head" --disable-usage-stats --block \\
  --object-store-memory={OBJECT_STORE_BYTES} || true
exit 1
"""


def head_command() -> list[str]:
    """Waits for all nodes, then becomes the predictor, which gets the container's arguments."""
    return ["bash", "-c", _HEAD, "predictor"]


def worker_command() -> list[str]:
    """Joins the head, and ends with it, so that the container starts anew.

    The shell stays process 1, which SIGTERM passes by: the head's streams end before the workers.
    """
    return ["bash", "-c", _WORKER]


def environment() -> list[Manifest]:
    """Where a pod is, for vLLM and for the address of the head."""
    return [
        _from_pod("POD_NAMESPACE", "metadata.namespace"),
        _from_pod("VLLM_HOST_IP", "status.podIP"),
    ]


def _from_pod(name: str, path: str) -> Manifest:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
