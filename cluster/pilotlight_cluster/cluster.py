"""The local cluster: its parts, put together."""

from dataclasses import dataclass

from pilotlight_cluster import services
from pilotlight_cluster.binaries import KUBERNETES, Binaries
from pilotlight_cluster.containers import Containerd
from pilotlight_cluster.controlplane import ControlPlane, Endpoint
from pilotlight_cluster.kubectl import Kubectl
from pilotlight_cluster.layout import Layout
from pilotlight_cluster.network import NODE_ADDRESS, Network
from pilotlight_cluster.node import Node
from pilotlight_cluster.process import Program, Supervisor
from pilotlight_cluster.traces import Traces

ENDPOINT = Endpoint(NODE_ADDRESS, port=6443, etcd_port=12379, etcd_peer_port=12380)
SYSTEM_NAMESPACES = ("knative-serving", "kourier-system", "kserve")


@dataclass(frozen=True)
class Cluster:
    """Everything of one cluster that commands work with."""

    layout: Layout

    @property
    def binaries(self) -> Binaries:
        return Binaries(self.layout.binaries)

    @property
    def plane(self) -> ControlPlane:
        return ControlPlane(self.layout.state, self.binaries, ENDPOINT)

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.layout.processes, self.layout.logs)

    @property
    def containerd(self) -> Containerd:
        return Containerd(self.layout)

    @property
    def node(self) -> Node:
        return Node(self.layout, self.plane, self.binaries)

    @property
    def network(self) -> Network:
        return Network(self.layout.state / "sysctl.json")

    @property
    def traces(self) -> Traces:
        return Traces(self.layout.state / "folders.json", self.layout.state)

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(
            self.binaries.program(KUBERNETES, "kubectl"),
            self.layout.kubeconfig,
            self.layout.state / "applied",
        )

    def prepare(self) -> None:
        """Write down what programs read at their start; nothing else here writes."""
        self.plane.prepare_identities()
        self.node.prepare()
        self.containerd.prepare()
        services.prepare(self.layout)

    def programs(self) -> list[Program]:
        """Every process on the machine, in the order of their start."""
        return [
            *self.plane.programs(),
            *self.node.controllers(),
            self.containerd.program(),
            self.node.dns(),
            self.node.kubelet(),
            self.node.proxy(),
            services.discovery(self.layout),
            services.prometheus(self.layout),
            services.redis(self.layout),
        ]
