"""What a cluster leaves on its machine: processes, mounts, links, packet filters, files."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

STATE = Path("/var/lib/pilotlight-cluster")
FOLDERS = (
    STATE,
    Path("/run/containerd"),
    Path("/run/netns"),
    Path("/run/runc"),
    Path("/var/lib/cni"),
    Path("/var/lib/kubelet"),
    Path("/var/log/containers"),
    Path("/var/log/pods"),
    Path("/etc/cni/net.d"),
)
# Programs of a cluster, wherever they lie.
PROGRAMS = {
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "coredns",
    "containerd",
    "containerd-shim-runc-v2",
    "prometheus",
    "redis-server",
    "envoy",
    "activator",
    "autoscaler",
    "pause",
}


@dataclass(frozen=True)
class Footprint:
    """What is there."""

    processes: frozenset[str]
    mounts: frozenset[str]
    links: frozenset[str]
    rules: frozenset[str]
    routes: frozenset[str]
    groups: frozenset[str]
    folders: frozenset[str]

    def beyond(self, other: "Footprint") -> dict[str, list[str]]:
        """What is here and not there, by kind; empty when there is nothing."""
        kinds = vars(self)
        more = {kind: sorted(kinds[kind] - vars(other)[kind]) for kind in kinds}
        return {kind: entries for kind, entries in more.items() if entries}


def footprint() -> Footprint:
    """This machine's, now."""
    groups = Path("/sys/fs/cgroup")
    return Footprint(
        processes=frozenset(_processes()),
        mounts=frozenset(
            line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()
        ),
        links=frozenset(link["ifname"] for link in json.loads(_said("ip", "-j", "link"))),
        rules=frozenset(_rules("iptables-save")) | frozenset(_rules("ip6tables-save")),
        routes=frozenset(_said("ip", "route").splitlines()),
        groups=frozenset(str(p) for p in (*groups.glob("kubepods"), *groups.glob("*/kubepods"))),
        folders=frozenset(str(folder) for folder in FOLDERS if folder.exists()),
    )


def _processes() -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        program = Path(words[0].decode(errors="replace")).name
        if program in PROGRAMS or str(STATE).encode() in b" ".join(words):
            found.append(f"{folder.name} {program}")
    return found


def _rules(command: str) -> list[str]:
    """Rules and chains; the counters behind a chain change by themselves."""
    lines = _said(command).splitlines()
    return [f"{command} {line.split(' [')[0]}" for line in lines if line[:1] in "-:"]


def _said(*command: str) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except FileNotFoundError:
        # Installed by the first `up`: before it there is nothing to list.
        return "[]" if "-j" in command else ""
    return ended.stdout
