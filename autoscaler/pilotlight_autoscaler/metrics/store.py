"""Where traces outlive the controller: one ConfigMap for each warm pool, which goes with it."""

import logging
from collections.abc import Callable

from pilotlight.api.meta import API_VERSION
from pilotlight.api.warmpool import WarmPool
from pilotlight.errors import AccessDenied, NotInCluster
from pilotlight.kserve.names import fitting
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import CONFIG_MAP
from pilotlight_autoscaler.metrics import sketch
from pilotlight_autoscaler.metrics.sketch import SketchUnreadable
from pilotlight_autoscaler.metrics.trace import Trace

SUFFIX = "history"
KEY = "sketch"
logger = logging.getLogger(__name__)


class TraceStore:
    """Loads and saves traces.

    Args:
        cluster: Where they are kept; all methods raise ``ClusterError`` where it cannot be asked.
        say: Told, with the pool, when what was kept cannot be used.
    """

    def __init__(
        self, cluster: Cluster, say: Callable[[WarmPool, str], None] | None = None
    ) -> None:
        self._cluster = cluster
        self._say = say or _log

    def load(self, pool: WarmPool) -> Trace:
        """What is known of a pool's service; a new trace if that is nothing, or damaged."""
        try:
            document = self._cluster.get(_reference(pool))
        except NotInCluster:
            return Trace()
        except AccessDenied as error:
            self._say(pool, f"no history is kept: {error}")
            return Trace()
        try:
            text = (document.get("data") or {}).get(KEY) or ""
            return sketch.read(text, pool.spec.target_ref.name)
        except SketchUnreadable as error:
            name = document["metadata"]["name"]
            self._say(
                pool, f"the history in ConfigMap {name} cannot be used, it begins anew: {error}"
            )
            return Trace()

    def save(self, pool: WarmPool, trace: Trace) -> None:
        """Replace what is kept of a pool's service."""
        data = {KEY: sketch.written(trace, pool.spec.target_ref.name)}
        try:
            self._cluster.patch(_reference(pool), {"data": data})
        except NotInCluster:
            self._cluster.create(_document(pool, data))


def _reference(pool: WarmPool) -> Reference:
    return Reference(CONFIG_MAP, fitting(pool.metadata.name, SUFFIX), pool.metadata.namespace)


def _document(pool: WarmPool, data: dict[str, str]) -> Document:
    reference = _reference(pool)
    owner = {
        "apiVersion": API_VERSION,
        "kind": "WarmPool",
        "name": pool.metadata.name,
        "uid": pool.metadata.uid,
        "controller": True,
    }
    metadata = {
        "name": reference.name,
        "namespace": reference.namespace,
        "ownerReferences": [owner],
    }
    return {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.name,
        "metadata": metadata,
        "data": data,
    }


def _log(pool: WarmPool, message: str) -> None:
    logger.warning("%s/%s: %s", pool.metadata.namespace, pool.metadata.name, message)
