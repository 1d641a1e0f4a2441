"""The node's own address, and the way from pods to it: what the kernel has to be told.

One bridge device without ports carries the node's address; pods hang on point-to-point links. What
was there before is written down and put back.
"""

import json
import socket
from dataclasses import dataclass
from pathlib import Path

from pilotlight.errors import OperationError
from pilotlight_cluster.command_line import run
from pilotlight_cluster.file import write

DEVICE = "pilotlight0"
NODE_ADDRESS = "10.245.0.1"
NODE_RANGE = "10.245.0.0/24"
POD_RANGE = "10.244.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"
COMMENT = "pilotlight cluster"

SYSCTLS = (
    "net/ipv4/ip_forward",
    # The kubelet sets these.
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
TIMEOUT_S = 30


@dataclass(frozen=True)
class Network:
    """What the cluster changes in the kernel's network.

    Attributes:
        memory: File that holds the kernel settings as they were.
    """

    memory: Path

    def up(self) -> bool:
        """Make what is missing; whether anything was.

        Raises:
            OperationError: An address range is in use.
        """
        if self.ready():
            return False
        if not self.memory.exists():
            _refuse_a_used_range()
            _remember(self.memory)
        _sysctl("net/ipv4/ip_forward").write_text("1")
        if not _device():
            _ip("link", "add", DEVICE, "type", "bridge")
        _ip("address", "replace", f"{NODE_ADDRESS}/24", "dev", DEVICE)
        _ip("link", "set", DEVICE, "up")
        for rule in _rules():
            if not _has(rule):
                _iptables("-I", rule)
        return True

    def ready(self) -> bool:
        """Whether nothing is missing."""
        forwards = _sysctl("net/ipv4/ip_forward").read_text().strip() == "1"
        return forwards and _device() and all(_has(rule) for rule in _rules())

    def down(self) -> None:
        """Take away what ``up`` made, and put kernel settings back."""
        for rule in _rules():
            while _has(rule):
                _iptables("-D", rule)
        if _device():
            _ip("link", "delete", DEVICE)
        _delete_pod_links()
        if self.memory.exists():
            for name, value in json.loads(self.memory.read_text()).items():
                _sysctl(name).write_text(value)
            self.memory.unlink()


def _remember(memory: Path) -> None:
    values = {name: _sysctl(name).read_text() for name in SYSCTLS if _sysctl(name).exists()}
    write(memory, json.dumps(values))


def _rules() -> list[tuple[str, ...]]:
    """Rules, each with its table and chain.

    Where Docker runs, the FORWARD chain drops what nobody allows. And Linux answers on each of its
    addresses to whatever link a packet comes by: a neighbour with a route to this machine would
    reach Redis, pods and services, so only the machine itself and pods may ask for them.
    """
    comment = ("-m", "comment", "--comment", COMMENT)
    guard = ("!", "-i", "lo", "!", "-s", POD_RANGE)
    return [
        ("filter", "FORWARD", "-s", POD_RANGE, *comment, "-j", "ACCEPT"),
        ("filter", "FORWARD", "-d", POD_RANGE, *comment, "-j", "ACCEPT"),
        *(
            ("mangle", "PREROUTING", "-d", wanted, *guard, *comment, "-j", "DROP")
            for wanted in (NODE_RANGE, POD_RANGE, SERVICE_RANGE)
        ),
    ]


def _sysctl(name: str) -> Path:
    return Path("/proc/sys") / name


def _device(name: str = DEVICE) -> bool:
    # Not /sys/class/net: it shows the network namespace in which it was mounted.
    return any(known == name for _, known in socket.if_nameindex())


def _delete_pod_links() -> None:
    """The kernel takes a pod's link away by itself, but only some time after its namespace."""
    listed = run(["ip", "-json", "route", "show", "root", POD_RANGE], timeout_s=TIMEOUT_S)
    for link in {route["dev"] for route in json.loads(listed or "[]")}:
        try:
            _ip("link", "delete", link)
        except OperationError:
            if _device(link):
                raise


def _refuse_a_used_range() -> None:
    for wanted in (NODE_RANGE, POD_RANGE, SERVICE_RANGE):
        routes = run(["ip", "route", "show", "root", wanted], timeout_s=TIMEOUT_S).strip()
        if routes:
            raise OperationError(
                f"the local cluster uses {wanted}, and this machine has a route in it: "
                f"{routes.splitlines()[0]}. Take that network down first."
            )


def _ip(*arguments: str) -> None:
    run(["ip", *arguments], timeout_s=TIMEOUT_S)


def _iptables(action: str, rule: tuple[str, ...]) -> None:
    table, *words = rule
    run(["iptables", "-w", "10", "-t", table, action, *words], timeout_s=TIMEOUT_S)


def _has(rule: tuple[str, ...]) -> bool:
    try:
        _iptables("-C", rule)
    except OperationError:
        return False
    return True
