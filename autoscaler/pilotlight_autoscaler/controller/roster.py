"""Who shares a budget with whom, in all namespaces."""

from collections.abc import Collection, Mapping, Sequence

from pilotlight.api.meta import Mode
from pilotlight.api.stored import understood
from pilotlight.api.warmpool import WarmPool
from pilotlight.errors import ManifestError
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document
from pilotlight.kube.kinds import WARM_POOL
from pilotlight_autoscaler.policy.budget.group import group


class Roster:
    """Reads it from the cluster, where it matters.

    Args:
        cluster: Where the pools are.
        namespaces: Those that this controller looks after; none: all.
    """

    def __init__(self, cluster: Cluster, namespaces: Sequence[str] = ()) -> None:
        self._cluster = cluster
        self._namespaces = namespaces

    def of(self, pools: Collection[WarmPool]) -> Mapping[str, frozenset[str]]:
        """By group, the pools that hold GPUs of it, for the groups of these pools.

        Raises:
            ClusterError: The pools cannot be listed.
        """
        named = any(pool.spec.budget and pool.spec.budget.group for pool in pools)
        everybody = self._all() if named else pools
        found: dict[str, set[str]] = {}
        for pool in everybody:
            if pool.spec.budget is not None and pool.spec.mode is Mode.ACTIVE:
                name = group(pool.metadata.namespace, pool.spec.budget)
                who = f"{pool.metadata.namespace}/{pool.metadata.name}"
                found.setdefault(name, set()).add(who)
        return {name: frozenset(members) for name, members in found.items()}

    def _all(self) -> list[WarmPool]:
        places: Sequence[str | None] = self._namespaces or (None,)
        listed = [document for place in places for document in self._cluster.list(WARM_POOL, place)]
        return [pool for document in listed if (pool := _pool(document))]


def _pool(document: Document) -> WarmPool | None:
    try:
        return understood(WarmPool, document)
    except ManifestError:
        return None  # Its own look says so.
