"""etcd and kube-apiserver: all of Kubernetes that admission and controllers' logic need.

Without root, in a folder and on ports of its own; also the base of the whole cluster.
"""

import socket
from dataclasses import dataclass
from pathlib import Path

from pilotlight_cluster import kubeconfig
from pilotlight_cluster.binaries import KUBERNETES, Binaries
from pilotlight_cluster.certificates import TOKENS, Authority, KeyPair
from pilotlight_cluster.health import answers
from pilotlight_cluster.network import SERVICE_RANGE
from pilotlight_cluster.process import Program, Supervisor

API_SERVICE_IP = "10.96.0.1"
API_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
    "127.0.0.1",
)
# Whom certificates are made for.
ADMIN = "admin"
API_SERVER = "kube-apiserver"
ETCD = "etcd"
KUBELET_CLIENT = "kube-apiserver-kubelet-client"


@dataclass(frozen=True)
class Endpoint:
    """Where a control plane listens.

    Attributes:
        address: The API server's own, and the one that it tells pods.
        etcd_port: On loopback; the next port is for its (unused) peers.
    """

    address: str
    port: int
    etcd_port: int
    etcd_peer_port: int

    @property
    def url(self) -> str:
        return f"https://{self.address}:{self.port}"


class ControlPlane:
    """An API server on an etcd.

    Args:
        directory: Holds keys, data, logs and records; the caller removes it.
        binaries: Where etcd and kube-apiserver are built.
        endpoint: Where it listens; by default on free ports of the loopback device.
    """

    def __init__(
        self, directory: Path, binaries: Binaries, endpoint: Endpoint | None = None
    ) -> None:
        self.directory = directory
        self.binaries = binaries
        self.endpoint = endpoint or free_endpoint()
        self.supervisor = Supervisor(directory / "processes", directory / "logs")
        self.kubeconfig = directory / "admin.kubeconfig"

    def start(self) -> None:
        """Start what does not run; the administrator's kubeconfig exists afterwards.

        Raises:
            ProcessError: A part did not come up, with its last log lines.
        """
        self.prepare_identities()
        for program in self.programs():
            self.supervisor.ensure(program)

    def prepare_identities(self) -> None:
        """Make the certificates of both programs, and the administrator's kubeconfig."""
        hosts = (*API_NAMES, API_SERVICE_IP, self.endpoint.address)
        self.authority.issue(ETCD, hosts=("127.0.0.1",))
        self.authority.issue(API_SERVER, hosts=hosts)
        self.authority.issue(KUBELET_CLIENT, "system:masters")
        self.authority.token_keys()
        kubeconfig.write(
            self.kubeconfig, self.endpoint.url, self.authority, ADMIN, "system:masters"
        )

    def stop(self) -> None:
        """End both processes."""
        for name in ("kube-apiserver", "etcd"):
            self.supervisor.stop(name)

    @property
    def authority(self) -> Authority:
        return Authority(self.directory / "pki")

    def programs(self) -> tuple[Program, Program]:
        """etcd and kube-apiserver, in the order of their start."""
        return self._etcd(), self._api_server()

    def _etcd(self) -> Program:
        client = f"https://127.0.0.1:{self.endpoint.etcd_port}"
        peer = f"https://127.0.0.1:{self.endpoint.etcd_peer_port}"
        return Program(
            name="etcd",
            argv=(
                str(self.binaries.program(KUBERNETES, "etcd")),
                f"--data-dir={self.directory / 'etcd'}",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
                *self._etcd_identity(""),
                *self._etcd_identity("peer-"),
                "--unsafe-no-fsync",
                "--log-level=warn",
            ),
            healthy=lambda: self._answers(f"{client}/health", ETCD),
        )

    def _etcd_identity(self, role: str) -> tuple[str, ...]:
        """Whoever reads etcd has every secret: on loopback that were all users of the machine."""
        own = self.authority.pair(ETCD)
        return (
            f"--{role}cert-file={own.certificate}",
            f"--{role}key-file={own.key}",
            f"--{role}trusted-ca-file={self.authority.files.certificate}",
            f"--{role}client-cert-auth",
        )

    def _api_server(self) -> Program:
        authority = self.authority
        server, etcd = authority.pair(API_SERVER), authority.pair(ETCD)
        kubelets = authority.pair(KUBELET_CLIENT)
        return Program(
            name="kube-apiserver",
            argv=(
                str(self.binaries.program(KUBERNETES, "kube-apiserver")),
                f"--bind-address={self.endpoint.address}",
                f"--advertise-address={self.endpoint.address}",
                f"--secure-port={self.endpoint.port}",
                f"--etcd-servers=https://127.0.0.1:{self.endpoint.etcd_port}",
                f"--etcd-cafile={authority.files.certificate}",
                f"--etcd-certfile={etcd.certificate}",
                f"--etcd-keyfile={etcd.key}",
                f"--service-cluster-ip-range={SERVICE_RANGE}",
                f"--client-ca-file={authority.files.certificate}",
                f"--tls-cert-file={server.certificate}",
                f"--tls-private-key-file={server.key}",
                f"--kubelet-client-certificate={kubelets.certificate}",
                f"--kubelet-client-key={kubelets.key}",
                "--kubelet-preferred-address-types=InternalIP",
                *_token_flags(authority.pair(TOKENS)),
                "--authorization-mode=Node,RBAC",
                "--allow-privileged=true",
                "--profiling=false",
                "--shutdown-delay-duration=0s",
            ),
            healthy=lambda: self._answers(f"{self.endpoint.url}/readyz", ADMIN),
        )

    def _answers(self, url: str, user: str) -> bool:
        own = self.authority.pair(user)
        return answers(url, self.authority.files.certificate, (own.certificate, own.key))


def _token_flags(tokens: KeyPair) -> tuple[str, ...]:
    return (
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={tokens.certificate}",
        f"--service-account-signing-key-file={tokens.key}",
    )


def free_endpoint() -> Endpoint:
    """Loopback, on ports that nothing listens on now."""
    sockets = [socket.socket() for _ in range(3)]
    try:
        for free in sockets:
            free.bind(("127.0.0.1", 0))
        api, etcd, peer = (int(free.getsockname()[1]) for free in sockets)
    finally:
        for free in sockets:
            free.close()
    return Endpoint("127.0.0.1", api, etcd, peer)
