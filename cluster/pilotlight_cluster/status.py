"""What of the cluster runs, and where to reach it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pilotlight_cluster.addons.knative import DOMAIN, GATEWAY_IP
from pilotlight_cluster.cluster import Cluster
from pilotlight_cluster.network import NODE_ADDRESS
from pilotlight_cluster.services import PROMETHEUS_PORT, REDIS_PORT


@dataclass(frozen=True)
class Component:
    """One process of the cluster; ``pid`` is ``None`` when it does not run."""

    name: str
    pid: int | None
    healthy: bool
    log: Path


@dataclass(frozen=True)
class Status:
    """The cluster as it is now."""

    running: bool
    kubeconfig: Path
    gateway: str
    domain: str
    prometheus: str
    redis: str
    components: tuple[Component, ...]

    @property
    def healthy(self) -> bool:
        return self.running and all(component.healthy for component in self.components)

    def json(self) -> dict[str, Any]:
        """For ``--json``: paths as strings."""
        values: dict[str, Any] = asdict(self)
        values["kubeconfig"] = str(self.kubeconfig)
        for component in values["components"]:
            component["log"] = str(component["log"])
        return values


def observe(cluster: Cluster) -> Status:
    """Look at every process; nothing is started."""
    exists = cluster.layout.kubeconfig.exists()
    components = []
    for program in cluster.programs() if exists else []:
        identity = cluster.supervisor.find(program.name)
        components.append(
            Component(
                name=program.name,
                pid=identity.pid if identity else None,
                healthy=identity is not None and program.healthy(),
                log=cluster.layout.logs / f"{program.name}.log",
            )
        )
    return Status(
        running=any(component.pid for component in components),
        kubeconfig=cluster.layout.kubeconfig,
        gateway=f"http://{GATEWAY_IP}",
        domain=DOMAIN,
        prometheus=f"http://{NODE_ADDRESS}:{PROMETHEUS_PORT}",
        redis=f"redis://{NODE_ADDRESS}:{REDIS_PORT}",
        components=tuple(components),
    )
