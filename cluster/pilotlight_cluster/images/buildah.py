"""Images built from the project's own Dockerfile, without a daemon and without a registry."""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotlight.errors import OperationError
from pilotlight_cluster import versions
from pilotlight_cluster.command_line import run
from pilotlight_cluster.console import Progress
from pilotlight_cluster.images.archive import CERTIFICATES
from pilotlight_cluster.turn import turn

BASE = "localhost/pilotlight-debian:base"
BUILD_TIMEOUT_S = 3600
KEPT = 20
"""Results of earlier builds whose layers a build may use; each holds up to half a gigabyte."""
# What the machine needs to reach its package sources, a build needs too; its result does not.
PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL", "UV_INDEX_URL")


@dataclass(frozen=True)
class Buildah:
    """Builds in a storage of its own.

    Attributes:
        storage: Layers are kept here from build to build.
        progress: Told of waiting for another build, and of what could not be cleared away.
    """

    storage: Path
    progress: Progress

    def build(self, checkout: Path, target: str, archive: Path, arguments: tuple[str, ...]) -> None:
        """Build a target of the checkout's Dockerfile into a docker-archive, one at a time.

        Raises:
            OperationError: The build failed, with its last lines.
        """
        self.storage.mkdir(parents=True, exist_ok=True)
        with turn(self.storage, self.progress):
            self._tidy()
            self._ensure_base()
            self._build(checkout, target, archive, arguments)

    def _build(
        self, checkout: Path, target: str, archive: Path, arguments: tuple[str, ...]
    ) -> None:
        image = f"localhost/pilotlight-{target}:dev"
        before = self._images().get(image)
        values = [f"BASE={BASE}", *arguments]
        self._run(
            *("build", "--layers", "--isolation", "chroot", "--pull=never"),
            *(word for value in values for word in ("--build-arg", value)),
            *(word for name in PASSED_ON for word in ("--unsetenv", name)),
            *("--target", target, "--tag", image, str(checkout)),
        )
        fresh = archive.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        self._run("push", image, f"docker-archive:{fresh}:{image}")
        fresh.replace(archive)
        if before and before != self._images()[image]:
            # Half a gigabyte for each change of the code.
            self._discard("rmi", before)

    def _tidy(self) -> None:
        """Away with what builds left that did not end: mounted containers, and images they hold."""
        self._discard("rm", "--all")
        nameless = [image for image in self._listed() if not image.get("names")]
        if len(nameless) > KEPT:
            self._discard("rmi", "--prune")

    def _discard(self, *arguments: str) -> None:
        """What cannot go now goes before the next build, and is no reason to fail this one."""
        try:
            self._run(*arguments)
        except OperationError as error:
            self.progress.note(f"left for the next build: {error}")

    def _ensure_base(self) -> None:
        """Debian from its packages, with this machine's certificates."""
        if BASE in self._images():
            return
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "root")
            include = "--include=ca-certificates,python3"
            run(
                ["debootstrap", "--variant=minbase", include, versions.DEBIAN, root],
                timeout_s=BUILD_TIMEOUT_S,
            )
            shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
            if CERTIFICATES.exists():
                shutil.copyfile(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
            container = self._run("from", "scratch").strip()
            self._run("add", "--quiet", container, str(root), "/")
            self._run("config", *_environment(), container)
            self._run("commit", "--quiet", "--rm", container, BASE)

    def _images(self) -> dict[str, str]:
        """Ids by name."""
        listed = self._listed()
        return {name: image["id"] for image in listed for name in image.get("names") or ()}

    def _listed(self) -> list[dict[str, Any]]:
        return json.loads(self._run("images", "--json").strip() or "[]") or []

    def _run(self, *arguments: str) -> str:
        command = [
            *("buildah", "--root", str(self.storage / "root")),
            *("--runroot", str(self.storage / "run"), "--storage-driver", "overlay"),
        ]
        # Without it buildah asks for a user namespace where it is root in a container.
        environment = {"BUILDAH_ISOLATION": "chroot", "_CONTAINERS_USERNS_CONFIGURED": "1"}
        return run([*command, *arguments], timeout_s=BUILD_TIMEOUT_S, environment=environment)


def _environment() -> list[str]:
    values = {"SSL_CERT_FILE": str(CERTIFICATES), "PIP_CERT": str(CERTIFICATES)}
    values |= {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
    return [f"--env={name}={value}" for name, value in values.items()]
