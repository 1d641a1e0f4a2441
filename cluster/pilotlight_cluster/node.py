"""What makes this machine a node: the rest of the control plane, kubelet, kube-proxy and DNS."""

from pathlib import Path

import yaml

from pilotlight_cluster import kubeconfig
from pilotlight_cluster.binaries import COREDNS, KUBERNETES, Binaries
from pilotlight_cluster.certificates import TOKENS
from pilotlight_cluster.controlplane import ControlPlane
from pilotlight_cluster.file import write
from pilotlight_cluster.health import answers, listens
from pilotlight_cluster.layout import Layout
from pilotlight_cluster.network import NODE_ADDRESS, NODE_RANGE, POD_RANGE, SERVICE_RANGE
from pilotlight_cluster.process import Program

NODE_NAME = "local"
DNS_HEALTH_PORT = 18053
MANAGER = "system:kube-controller-manager"
SCHEDULER = "system:kube-scheduler"
KUBELET = f"system:node:{NODE_NAME}"
PROXY = "system:kube-proxy"
DNS = "coredns"
USERS = {MANAGER: "", SCHEDULER: "", KUBELET: "system:nodes", PROXY: "", DNS: "system:masters"}
"""Who speaks to the API server, and of which group they are."""


class Node:
    """The programs of a one-node cluster around a control plane."""

    def __init__(self, layout: Layout, plane: ControlPlane, binaries: Binaries) -> None:
        self.layout = layout
        self.plane = plane
        self.binaries = binaries

    def prepare(self) -> None:
        """Write everybody's kubeconfig and settings down."""
        for user, group in USERS.items():
            kubeconfig.write(
                self._kubeconfig(user), self.plane.endpoint.url, self.plane.authority, user, group
            )
        write(self._settings_of_kubelet, yaml.safe_dump(self._kubelet_settings()))
        write(self._settings_of_dns, self._corefile())

    def controllers(self) -> tuple[Program, Program]:
        """kube-controller-manager and kube-scheduler."""
        authority = self.plane.authority
        manager, scheduler = self._kubeconfig(MANAGER), self._kubeconfig(SCHEDULER)
        return (
            Program(
                name="kube-controller-manager",
                argv=(
                    self._built("kube-controller-manager"),
                    f"--kubeconfig={manager}",
                    f"--root-ca-file={authority.files.certificate}",
                    f"--service-account-private-key-file={authority.pair(TOKENS).key}",
                    f"--cluster-signing-cert-file={authority.files.certificate}",
                    f"--cluster-signing-key-file={authority.files.key}",
                    f"--cluster-cidr={POD_RANGE}",
                    f"--service-cluster-ip-range={SERVICE_RANGE}",
                    "--use-service-account-credentials=true",
                    "--bind-address=127.0.0.1",
                    "--leader-elect=false",
                ),
                healthy=listens("127.0.0.1", 10257),
            ),
            Program(
                name="kube-scheduler",
                argv=(
                    self._built("kube-scheduler"),
                    f"--kubeconfig={scheduler}",
                    "--bind-address=127.0.0.1",
                    "--leader-elect=false",
                ),
                healthy=listens("127.0.0.1", 10259),
            ),
        )

    def kubelet(self) -> Program:
        """The kubelet."""
        return Program(
            name="kubelet",
            argv=(
                self._built("kubelet"),
                f"--config={self._settings_of_kubelet}",
                f"--kubeconfig={self._kubeconfig(KUBELET)}",
                f"--root-dir={self.layout.state / 'kubelet'}",
                f"--hostname-override={NODE_NAME}",
                f"--node-ip={NODE_ADDRESS}",
            ),
            healthy=lambda: answers("http://127.0.0.1:10248/healthz"),
            inputs=(self._settings_of_kubelet,),
        )

    def proxy(self) -> Program:
        """kube-proxy in iptables mode."""
        return Program(
            name="kube-proxy",
            argv=(
                self._built("kube-proxy"),
                f"--kubeconfig={self._kubeconfig(PROXY)}",
                f"--cluster-cidr={POD_RANGE}",
                f"--hostname-override={NODE_NAME}",
                "--proxy-mode=iptables",
                # Not on every address of the machine.
                f"--nodeport-addresses={NODE_RANGE}",
                # The kernel's own limits stay.
                "--conntrack-max-per-core=0",
                "--conntrack-tcp-timeout-established=0s",
                "--conntrack-tcp-timeout-close-wait=0s",
                "--healthz-bind-address=127.0.0.1:10256",
                "--metrics-bind-address=127.0.0.1:10249",
            ),
            healthy=listens("127.0.0.1", 10256),
        )

    def dns(self) -> Program:
        """CoreDNS, for the cluster's own names alone."""
        settings = self._settings_of_dns
        return Program(
            name="coredns",
            argv=(str(self.binaries.program(COREDNS, "coredns")), "-conf", str(settings)),
            healthy=lambda: answers(f"http://127.0.0.1:{DNS_HEALTH_PORT}/health"),
            inputs=(settings,),
        )

    def proxy_cleanup(self) -> list[str]:
        """The command that removes kube-proxy's iptables rules."""
        return [self._built("kube-proxy"), "--cleanup"]

    @property
    def _settings_of_kubelet(self) -> Path:
        return self.layout.state / "kubelet.yaml"

    @property
    def _settings_of_dns(self) -> Path:
        return self.layout.state / "Corefile"

    def _corefile(self) -> str:
        return (
            ".:53 {\n"
            f"  bind {NODE_ADDRESS}\n"
            "  errors\n"
            f"  health 127.0.0.1:{DNS_HEALTH_PORT}\n"
            "  kubernetes cluster.local in-addr.arpa {\n"
            f"    kubeconfig {self._kubeconfig(DNS)}\n"
            "    pods insecure\n"
            "    ttl 5\n"
            "  }\n"
            "  cache 5\n"
            "}\n"
        )

    def _kubelet_settings(self) -> dict[str, object]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": NODE_ADDRESS,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(self.plane.authority.files.certificate)},
            },
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "failCgroupV1": False,
            "failSwapOn": False,
            "makeIPTablesUtilChains": False,
            "containerRuntimeEndpoint": f"unix://{self.layout.containerd_socket}",
            "clusterDNS": [NODE_ADDRESS],
            "clusterDomain": "cluster.local",
            "resolvConf": "",
            "podLogsDir": str(self.layout.logs / "pods"),
            "readOnlyPort": 0,
            "evictionHard": {
                "memory.available": "100Mi",
                "nodefs.available": "1%",
                "imagefs.available": "1%",
            },
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "serializeImagePulls": False,
            "registerNode": True,
        }

    def _kubeconfig(self, user: str) -> Path:
        return self.layout.secrets / f"{user.replace(':', '-')}.kubeconfig"

    def _built(self, name: str) -> str:
        return str(self.binaries.program(KUBERNETES, name))
