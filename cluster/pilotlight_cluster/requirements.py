"""What this machine must have before a cluster can run on it."""

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pilotlight.errors import OperationError, UsageError
from pilotlight_cluster.command_line import run
from pilotlight_cluster.console import Progress
from pilotlight_cluster.containers import CNI_PROGRAMS

INSTALL_TIMEOUT_S = 900
POLICY = Path("/usr/sbin/policy-rc.d")
CONTROL_GROUPS = Path("/sys/fs/cgroup")
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin")
# sudo's own PATH has neither Go nor a virtual environment.
SUDO = "sudo -E env PATH=$PATH pilotlight cluster"

PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    str(CNI_PROGRAMS / "ptp"): "containernetworking-plugins",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "mount": "mount",
    "prometheus": "prometheus",
    "redis-server": "redis-server",
}
# Packages that bring a service of systemd's.
SERVICES = ("containerd", "prometheus", "redis-server")
IMAGE_PACKAGES = {"buildah": "buildah", "debootstrap": "debootstrap"}

ELSEWHERE = """\
This machine cannot run the cluster itself: {reason}.

With Docker, use kind (or minikube) and the projects' own YAML:
  kind create cluster
  kubectl apply -f https://github.com/knative/serving/releases/download/knative-v1.21.1/serving-crds.yaml
  kubectl apply -f https://github.com/knative/serving/releases/download/knative-v1.21.1/serving-core.yaml
  kubectl apply -f https://github.com/knative-extensions/net-kourier/releases/download/knative-v1.21.0/kourier.yaml
  kubectl apply -f https://github.com/cert-manager/cert-manager/releases/download/v1.19.1/cert-manager.yaml
  kubectl apply --server-side -f https://github.com/kserve/kserve/releases/download/v0.20.0/kserve.yaml
  kubectl apply --server-side -f https://github.com/kserve/kserve/releases/download/v0.20.0/kserve-cluster-resources.yaml
then ask what is still missing, each with the command that mends it:
  pilotlight cluster check
"""


def refuse_elsewhere() -> None:
    """Only a Linux machine, as root, with Debian's packages can be a node.

    Raises:
        UsageError: It cannot; the message says what to use instead.
    """
    reason = _obstacle()
    if reason is not None:
        raise UsageError(ELSEWHERE.format(reason=reason))


def may_be_node() -> bool:
    """Whether this user may run the cluster on this machine."""
    return _obstacle() is None


def refuse_without_root() -> None:
    """Only root can look into the cluster, or change it.

    Raises:
        UsageError: This is another user.
    """
    if os.geteuid() != 0:
        raise UsageError(f"the local cluster belongs to root: {SUDO} COMMAND")


def complete_path() -> None:
    """Have programs of the system found: under ``su`` and cron, PATH lacks their folders."""
    words = os.environ.get("PATH", "").split(os.pathsep)
    missing = [folder for folder in SYSTEM_FOLDERS if folder not in words]
    os.environ["PATH"] = os.pathsep.join([*filter(None, words), *missing])


def refuse_another_kubelet(state: Path) -> None:
    """One kubelet per machine: two would end each other's pods.

    Raises:
        OperationError: There is a kubelet that was not started from here.
    """
    trees = (CONTROL_GROUPS, CONTROL_GROUPS / "memory", CONTROL_GROUPS / "systemd")
    groups = [tree / name for tree in trees for name in ("kubepods", "kubepods.slice")]
    found = next((group for group in groups if group.exists()), None)
    if found is not None and not state.exists():
        raise OperationError(
            f"another kubelet runs or ran on this machine (there is a control group {found}); "
            "`pilotlight cluster up` would disturb its pods. Use that cluster: "
            "`pilotlight cluster check`"
        )


def install(progress: Progress, packages: dict[str, str]) -> None:
    """Install the Debian packages whose programs are missing.

    Raises:
        OperationError: apt-get failed.
    """
    missing = sorted({package for program, package in packages.items() if not _found(program)})
    if not missing:
        return
    with progress.step(f"apt-get install {' '.join(missing)}"), _no_services():
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update"], timeout_s=INSTALL_TIMEOUT_S, environment=environment)
        run(
            ["apt-get", "install", "-y", "--no-install-recommends", *missing],
            timeout_s=INSTALL_TIMEOUT_S,
            environment=environment,
        )
        services = [f"{package}.service" for package in missing if package in SERVICES]
        if services and shutil.which("systemctl"):
            # Nor at the next boot: they would take the cluster's ports, on every address.
            run(["systemctl", "disable", *services], timeout_s=INSTALL_TIMEOUT_S)


def _obstacle() -> str | None:
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return f"it is {platform.system()} on {platform.machine()}, not Linux on x86_64"
    if shutil.which("apt-get") is None:
        return "it has no apt-get (Debian)"
    if os.geteuid() != 0:
        return f"a node needs root ({SUDO} up)"
    return None


def _found(program: str) -> bool:
    return Path(program).exists() if program.startswith("/") else shutil.which(program) is not None


@contextmanager
def _no_services() -> Iterator[None]:
    """Packages bring programs, not running services (Debian policy, 9.3.3.2)."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
