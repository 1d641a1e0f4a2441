"""What the cluster leaves in the kernel's network, tried in a network namespace of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import subprocess, sys
from pathlib import Path
from pilotlight_cluster.network import Network

def ip(words):
    return subprocess.run(["ip", *words.split()], check=True, capture_output=True, text=True).stdout

ip("link set lo up")
for name, address in (("veth1", "10.244.0.4"), ("other", "192.0.2.4")):
    ip(f"link add {name} type veth peer name {name}peer")
    ip(f"link set {name} up")
    ip(f"route add {address} dev {name}")
Network(Path(sys.argv[1])).down()
print(ip("-brief link"))
"""


@pytest.mark.root
def test_links_of_pods_go_with_the_cluster_and_others_stay(tmp_path: Path) -> None:
    """A pod's link outlives its pod for a while, and its route would keep the next cluster away."""
    command = ["unshare", "--net", sys.executable, "-c", SCRIPT, str(tmp_path / "sysctl.json")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "veth1" not in ended.stdout
    assert "other" in ended.stdout
