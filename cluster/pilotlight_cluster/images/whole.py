"""An image of the Dockerfile built whole, as a release is: no file of this machine in it."""

import time
from pathlib import Path
from typing import Any

from pilotlight.errors import UsageError
from pilotlight_cluster import requirements
from pilotlight_cluster.console import Progress
from pilotlight_cluster.images.buildah import Buildah
from pilotlight_cluster.images.project import NAMES, checkout
from pilotlight_cluster.layout import Layout


def build(
    layout: Layout, progress: Progress, target: str, accelerator: str, output: Path | None
) -> dict[str, Any]:
    """Build one target into a docker-archive.

    Returns:
        ``archive`` (path), ``bytes`` and ``seconds``.

    Raises:
        UsageError: There is no such target or accelerator.
        OperationError: The build failed.
    """
    if target not in NAMES:
        raise UsageError(f"there is no image {target}; there are {', '.join(NAMES)}")
    if accelerator not in ("cpu", "gpu"):
        raise UsageError(f"the accelerator is cpu or gpu, not {accelerator}")
    requirements.install(progress, requirements.IMAGE_PACKAGES)
    archive = output or layout.images / f"whole-{target}.tar"
    archive.parent.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    with progress.step(f"build image {target}, whole"):
        storage = Buildah(layout.cache / "buildah", progress)
        storage.build(checkout(), target, archive, (f"ACCELERATOR={accelerator}",))
    seconds = time.monotonic() - begin
    return {"archive": str(archive), "bytes": archive.stat().st_size, "seconds": round(seconds)}
