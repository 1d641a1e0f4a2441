"""Pilotlight's own images, built from a checkout and loaded into the cluster."""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pilotlight.errors import OperationError, UsageError
from pilotlight_cluster import requirements
from pilotlight_cluster.cluster import Cluster
from pilotlight_cluster.console import Progress
from pilotlight_cluster.images.buildah import Buildah
from pilotlight_cluster.images.environment import Environment, with_layer
from pilotlight_cluster.images.platform import REGISTRY

PREDICTOR = "predictor"
CONTROLLER = "controller"
PREDICTOR_PACKAGES = ("core/pilotlight", "predictor/pilotlight_predictor")
# What a Dockerfile target's content depends on, besides the code.
RECIPE = ("Dockerfile", "pyproject.toml", "constraints.txt", "overrides.txt")
CODE = ("core", "predictor", "transformer", "autoscaler", "canary", "manifests", "cluster", "bench")


@dataclass(frozen=True)
class Target:
    """An image of the Dockerfile.

    Attributes:
        has_code: Whether a change of the code changes it.
    """

    name: str
    has_code: bool = True


LIGHT = (Target(CONTROLLER), Target("transformer"))
PREDICTOR_BASE = Target("predictor-base", has_code=False)
NAMES = (PREDICTOR, *(target.name for target in LIGHT))


class ProjectImages:
    """Builds what changed, and loads what the cluster does not have."""

    def __init__(self, cluster: Cluster, progress: Progress) -> None:
        self.cluster = cluster
        self.progress = progress
        self.checkout = checkout()
        self.folder = cluster.layout.images
        self.buildah = Buildah(cluster.layout.cache / "buildah", progress)

    def ensure_all(self) -> None:
        """All three images of the current code."""
        for name in NAMES:
            self.ensure(name)

    def ensure(self, name: str) -> bool:
        """One image of the current code; whether it had to be loaded.

        Raises:
            OperationError: Building or loading failed.
        """
        requirements.install(self.progress, requirements.IMAGE_PACKAGES)
        if name == PREDICTOR:
            return self._predictor()
        target = next(target for target in LIGHT if target.name == name)
        return self._load(target)

    def key(self, name: str) -> str:
        """Changes with the content of an image that is loaded; empty: it is not."""
        return self._loaded(name)

    def _load(self, target: Target) -> bool:
        key = self._key(target)
        if self._loaded(target.name) == key:
            return False
        archive = self._archive(target)
        with self.progress.step(f"load image {target.name}"):
            self.cluster.containerd.import_archive(archive)
            source = f"localhost/pilotlight-{target.name}:dev"
            self._name(source, image_name(target.name))
            self._remember(target.name, key)
        return True

    def _predictor(self) -> bool:
        environment = Environment(
            self.checkout / ".venv",
            tuple(self.checkout / package for package in PREDICTOR_PACKAGES),
        )
        environment.check()
        key = f"{self._key(PREDICTOR_BASE)}-{environment.key}"
        if self._loaded(PREDICTOR) == key:
            return False
        base = self._archive(PREDICTOR_BASE)
        with self.progress.step("load image predictor, with this machine's environment"):
            archive = self.folder / "predictor.tar"
            chain = with_layer(base, archive, image_name(PREDICTOR), key)
            self.cluster.containerd.import_archive(archive)
            archive.unlink()
            environment.link_into(self.cluster.containerd.top_layer(chain))
            self._remember(PREDICTOR, key)
        return True

    def _archive(self, target: Target) -> Path:
        """The target's docker-archive, built when the one at hand is of another key."""
        archive = self.folder / f"{target.name}-{self._key(target)}.tar"
        if not archive.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            for old in self.folder.glob(f"{target.name}-[0-9a-f]*.tar"):
                old.unlink()
            with self.progress.step(f"build image {target.name}"):
                self.buildah.build(self.checkout, target.name, archive, ("ACCELERATOR=cpu",))
        return archive

    def _key(self, target: Target) -> str:
        digest = hashlib.sha256()
        files = [self.checkout / name for name in RECIPE[: None if target.has_code else 1]]
        if target.has_code:
            files += tracked(self.checkout, CODE)
        for file in files:
            digest.update(f"{file.relative_to(self.checkout)}\0".encode() + file.read_bytes())
        return digest.hexdigest()[:12]

    def _name(self, source: str, name: str) -> None:
        self.cluster.containerd.ctr("images", "tag", "--force", source, name)
        self.cluster.containerd.ctr("images", "remove", source)

    def _loaded(self, name: str) -> str:
        mark = self._mark(name)
        return mark.read_text() if mark.exists() else ""

    def _remember(self, name: str, key: str) -> None:
        self._mark(name).parent.mkdir(parents=True, exist_ok=True)
        self._mark(name).write_text(key)

    def _mark(self, name: str) -> Path:
        return self.cluster.layout.state / "images" / name


def image_name(name: str) -> str:
    """What manifests call it."""
    return f"{REGISTRY}/pilotlight-{name}:dev"


def checkout() -> Path:
    """The folder with the Dockerfile that this code belongs to.

    Raises:
        UsageError: Pilotlight was installed from a package, which has none.
    """
    for folder in Path(__file__).resolve().parents:
        if (folder / "Dockerfile").is_file() and (folder / "pyproject.toml").is_file():
            return folder
    raise UsageError(
        "Pilotlight's images are built from a checkout, and this is an installed package: "
        "pilotlight cluster up --no-images"
    )


def tracked(folder: Path, parts: tuple[str, ...]) -> list[Path]:
    """Files of the given parts that belong to the project: those that git does not ignore."""
    command = ["git", "-C", str(folder), "ls-files", "-co", "--exclude-standard", "--", *parts]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (subprocess.SubprocessError, FileNotFoundError) as error:
        raise OperationError(f"git cannot list the files of {folder}: {error}") from error
    files = [folder / line for line in listed.stdout.splitlines()]
    return [file for file in files if file.is_file()]
