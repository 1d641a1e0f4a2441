"""What a running cluster leaves outside its own folder, and its removal.

Container tools have folders that no option moves. Those that were not there before the first start
are written down, and removed with the cluster.
"""

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from pilotlight.errors import OperationError
from pilotlight_cluster.command_line import run
from pilotlight_cluster.file import write

FOLDERS = (
    "/run/containerd",
    "/run/netns",
    "/run/runc",
    "/var/lib/cni",
    "/var/lib/kubelet",
    "/var/log/containers",
    "/var/log/pods",
    "/opt/cni",
    "/etc/cni",
    "/opt/containerd",
)
CONTROL_GROUPS = "kubepods"
PATIENCE_S = 20


@dataclass(frozen=True)
class Traces:
    """The record of what was there before.

    Attributes:
        memory: The file that holds it.
        state: The cluster's own folder.
    """

    memory: Path
    state: Path

    def remember(self) -> None:
        """Write down which folders exist, once."""
        if not self.memory.exists():
            fresh = [folder for folder in FOLDERS if not Path(folder).exists()]
            write(self.memory, json.dumps(fresh))

    @property
    def leaving(self) -> bool:
        """Whether a removal began, and did not end."""
        return self._departure.exists()

    def leave(self) -> None:
        """Begin the removal: from now on, what is left is of no use but to end it."""
        self._departure.touch()

    @property
    def _departure(self) -> Path:
        return self.state / "leaving"

    def remove(self) -> None:
        """Unmount and remove everything of the cluster's.

        Raises:
            OperationError: A mount stays busy.
        """
        fresh = json.loads(self.memory.read_text()) if self.memory.exists() else []
        _unmount([str(self.state), *fresh])
        _remove_control_groups()
        for folder in fresh:
            shutil.rmtree(folder, ignore_errors=True)
        for entry in sorted(self.state.iterdir(), key=lambda entry: entry == self._departure):
            _delete(entry)
        self.state.rmdir()


def _delete(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def mounts_below(folders: list[str]) -> list[str]:
    """Mount points in the given folders, the innermost first (proc(5), mountinfo)."""
    points = [
        line.split()[4].encode().decode("unicode_escape")
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
    ]
    inside = [
        point
        for point in points
        if any(point == folder or point.startswith(f"{folder}/") for folder in folders)
    ]
    return sorted(inside, key=len, reverse=True)


def _unmount(folders: list[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while points := mounts_below(folders):
        for point in points:
            try:
                run(["umount", point], timeout_s=10)
            except OperationError:
                if time.monotonic() > deadline:
                    raise
        if time.monotonic() > deadline:
            raise OperationError(f"still mounted: {', '.join(points)}")


def _remove_control_groups() -> None:
    """cgroup v1 has a tree per controller, v2 one for all."""
    root = Path("/sys/fs/cgroup")
    trees = [root / CONTROL_GROUPS, *(part / CONTROL_GROUPS for part in root.glob("*"))]
    for tree in trees:
        if tree.is_dir() and not tree.is_symlink():
            for folder, _, _ in os.walk(tree, topdown=False):
                _remove_group(Path(folder))


def _remove_group(group: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise OperationError(f"control group {group} is still in use") from error
            time.sleep(0.1)
        else:
            return
