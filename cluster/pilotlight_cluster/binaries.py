"""The cluster's programs, built from their published Go modules once and kept.

A recipe's folder is named after everything that decides its content: change a version, and the
next use builds anew.
"""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pilotlight.errors import OperationError
from pilotlight_cluster import versions
from pilotlight_cluster.command_line import run
from pilotlight_cluster.console import Progress

MODULES = Path(__file__).parent / "go"
BUILD_TIMEOUT_S = 3600
DOWNLOAD_TIMEOUT_S = 900
GO = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}


@dataclass(frozen=True)
class Recipe:
    """One Go module with the programs, and the folders of YAML, that are taken from it.

    Attributes:
        module: ``path@version`` of a published module to build in, or the name of one of ours.
        programs: Name of each binary, and the package that it is built from.
        manifests: Name of each folder of YAML, with the module and the folder in it.
        flags: Linker flags.
    """

    name: str
    module: str
    programs: tuple[tuple[str, str], ...]
    manifests: tuple[tuple[str, str, str], ...] = ()
    flags: str = "-s -w"

    @property
    def own(self) -> bool:
        return "@" not in self.module

    @property
    def key(self) -> str:
        """The recipe's identity, the requirements of our own modules included."""
        digest = hashlib.sha256(repr(self).encode())
        if self.own:
            for file in sorted((MODULES / self.module).rglob("*")):
                if file.is_file():
                    digest.update(file.read_bytes())
        return digest.hexdigest()[:12]


def _kubernetes_flags() -> str:
    major, minor, _ = versions.KUBERNETES.removeprefix("v").split(".")
    stamp = "k8s.io/component-base/version"
    values = {
        "gitVersion": versions.KUBERNETES,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
    }
    return "-s -w " + " ".join(f"-X {stamp}.{name}={value}" for name, value in values.items())


KUBERNETES = Recipe(
    name="kubernetes",
    module="kubernetes",
    programs=(
        ("etcd", "./etcd"),
        ("pause", "./pause"),
        ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
        ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
        ("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy"),
        ("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
        ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
        ("kubelet", "k8s.io/kubernetes/cmd/kubelet"),
    ),
    flags=_kubernetes_flags(),
)
KNATIVE = Recipe(
    name="knative",
    module="knative",
    programs=(
        ("activator", "knative.dev/serving/cmd/activator"),
        ("autoscaler", "knative.dev/serving/cmd/autoscaler"),
        ("controller", "knative.dev/serving/cmd/controller"),
        ("queue", "knative.dev/serving/cmd/queue"),
        ("webhook", "knative.dev/serving/cmd/webhook"),
        ("kourier", "knative.dev/net-kourier/cmd/kourier"),
    ),
    manifests=(
        ("serving", "knative.dev/serving", "config/core"),
        ("networking", "knative.dev/networking", "config"),
        ("caching", "knative.dev/caching", "config"),
        ("kourier", "knative.dev/net-kourier", "config"),
    ),
)
KSERVE_MODULE = f"github.com/kserve/kserve@{versions.KSERVE}"
KSERVE = Recipe(
    name="kserve",
    module=KSERVE_MODULE,
    programs=(("manager", "./cmd/manager"), ("agent", "./cmd/agent")),
    manifests=(("install", KSERVE_MODULE, f"install/{versions.KSERVE}"),),
)
COREDNS = Recipe(
    name="coredns",
    module=f"github.com/coredns/coredns@{versions.COREDNS}",
    programs=(("coredns", "."),),
)
RECIPES = (KUBERNETES, KNATIVE, KSERVE, COREDNS)


class Binaries:
    """What is built, in one folder.

    Args:
        folder: Outside any checkout; survives the cluster.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def program(self, recipe: Recipe, name: str) -> Path:
        """A built program's file."""
        return self._home(recipe) / "bin" / name

    def manifests(self, recipe: Recipe, name: str) -> Path:
        """A folder of the module's own YAML."""
        return self._home(recipe) / "manifests" / name

    def missing(self) -> list[Recipe]:
        """The recipes that are not built yet."""
        return [recipe for recipe in RECIPES if not self._home(recipe).is_dir()]

    def ensure(self, recipe: Recipe, progress: Progress) -> None:
        """Build what is missing; of two callers one builds and the other waits.

        Raises:
            OperationError: Go is missing or the build failed, with the compiler's last lines.
        """
        if self._home(recipe).is_dir():
            return
        if shutil.which("go") is None:
            raise OperationError(
                "Go builds the cluster's programs and is not installed: apt-get install golang, "
                "or https://go.dev/dl (1.24 or newer). Where it is, but not on root's PATH: "
                "sudo -E env PATH=$PATH …"
            )
        with self._locked(recipe):
            if not self._home(recipe).is_dir():
                with progress.step(f"build {recipe.name} (once, takes minutes)"):
                    self._make(recipe)

    def _home(self, recipe: Recipe) -> Path:
        return self.folder / f"{recipe.name}-{recipe.key}"

    def _make(self, recipe: Recipe) -> None:
        fresh = self._home(recipe).with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        (fresh / "bin").mkdir(parents=True)
        home = MODULES / recipe.module if recipe.own else _download(recipe.module)
        if recipe.own:
            run(["go", "mod", "download"], directory=home, timeout_s=DOWNLOAD_TIMEOUT_S)
        for name, package in recipe.programs:
            self._build(recipe, home, package, fresh / "bin" / name)
        for name, module, folder in recipe.manifests:
            source = _folder_of(module, home) / folder
            _copy_yaml(source, fresh / "manifests" / name)
        fresh.rename(self._home(recipe))

    def _build(self, recipe: Recipe, home: Path, package: str, output: Path) -> None:
        command: list[str | Path] = [
            "go",
            "build",
            "-C",
            home,
            "-trimpath",
            "-ldflags",
            recipe.flags,
        ]
        run([*command, "-o", output, package], timeout_s=BUILD_TIMEOUT_S, environment=GO)

    @contextmanager
    def _locked(self, recipe: Recipe) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f".{recipe.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def ensure_all(binaries: Binaries, progress: Progress) -> None:
    """Build every recipe that is missing."""
    for recipe in RECIPES:
        binaries.ensure(recipe, progress)


def _download(module: str) -> Path:
    found = run(["go", "mod", "download", "-json", module], timeout_s=DOWNLOAD_TIMEOUT_S)
    return Path(json.loads(found)["Dir"])


def _folder_of(module: str, home: Path) -> Path:
    if "@" in module:
        return _download(module)
    answer = run(
        ["go", "mod", "download", "-json", module], directory=home, timeout_s=DOWNLOAD_TIMEOUT_S
    )
    return Path(json.loads(answer)["Dir"])


def _copy_yaml(source: Path, target: Path) -> None:
    """Module folders are read-only, copies are not: otherwise nobody could remove them."""
    copy: Callable[[str, str], object] = shutil.copyfile
    ignore = shutil.ignore_patterns("*.go", "*.sh")
    shutil.copytree(source, target, copy_function=copy, ignore=ignore)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
