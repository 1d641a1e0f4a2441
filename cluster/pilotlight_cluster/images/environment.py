"""The predictor's every-day image: a small base, and this machine's Python environment.

vLLM's environment is 6 GB; to pack it into an image, and to unpack that, takes minutes and 25 GB.
Here its files are linked into the image's last, empty layer after the import (hard links; copies
where the file systems differ): pods see the same files that the full image has, read-only.
"""

import hashlib
import io
import json
import os
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from pilotlight.errors import OperationError
from pilotlight_cluster.command_line import run
from pilotlight_cluster.images.archive import add

PYTHON = Path("/usr/bin/python3")
TARGET = "opt/pilotlight"
LINK_TIMEOUT_S = 900


@dataclass(frozen=True)
class Environment:
    """A virtual environment of Debian's own Python, and the code that it runs.

    Attributes:
        folder: The environment.
        packages: Import packages that go into its site-packages.
    """

    folder: Path
    packages: tuple[Path, ...]

    def check(self) -> None:
        """Only Debian's interpreter is at the same place in the image.

        Raises:
            OperationError: There is none, or it runs on another Python.
        """
        python = self.folder / "bin" / "python"
        if not python.exists():
            raise OperationError(f"there is no Python environment in {self.folder}: make env")
        if python.resolve() != PYTHON.resolve():
            raise OperationError(
                f"{self.folder} runs on {python.resolve()}, which the image does not have. Make it "
                f"on Debian's: rm -rf {self.folder} && make env PYTHON={PYTHON}"
            )

    @property
    def key(self) -> str:
        """Changes with the installed packages and with the code."""
        digest = hashlib.sha256()
        for mark in sorted(self.folder.glob(".installed-*")):
            digest.update(f"{mark.name} {mark.stat().st_mtime_ns}".encode())
        for file in sorted(file for package in self.packages for file in package.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(file.anchor)}\0".encode() + file.read_bytes())
        return digest.hexdigest()[:12]

    def link_into(self, layer: Path) -> None:
        """Fill the layer's folder with the environment and the code."""
        target = layer / TARGET
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        how = "-al" if target.parent.stat().st_dev == self.folder.stat().st_dev else "-a"
        run(["cp", how, self.folder, target], timeout_s=LINK_TIMEOUT_S)
        self._rewrite_scripts(target / "bin")
        site = next((target / "lib").glob("python3*/site-packages"))
        for pointer in site.glob("_*pilotlight*.pth"):
            pointer.unlink()
        for package in self.packages:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(package, site / package.name, ignore=ignore)
            run([PYTHON, "-m", "compileall", "-q", site / package.name], timeout_s=LINK_TIMEOUT_S)
        for folder, _, _ in os.walk(target):
            Path(folder).chmod(0o755)

    def _rewrite_scripts(self, programs: Path) -> None:
        """Scripts name their interpreter by its path here; a link must not be written through."""
        ours = f"#!{self.folder}/bin/".encode()
        for file in programs.iterdir():
            if file.is_symlink() or not file.is_file():
                continue
            content = file.read_bytes()
            if content.startswith(ours):
                file.unlink()
                file.write_bytes(content.replace(ours, f"#!/{TARGET}/bin/".encode(), 1))
                file.chmod(0o755)


def with_layer(base: Path, archive: Path, name: str, key: str) -> str:
    """Write ``base`` (a docker-archive of one image) under a new name with one more, empty layer.

    Returns:
        The chain id of the new layer (OCI image-spec, config.md, "Layer ChainID").
    """
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        add(tar, f"{TARGET}/.key", key.encode())
    content = layer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    with tarfile.open(base) as old, tarfile.open(archive, "w") as new:
        manifest = json.loads(_read(old, "manifest.json"))[0]
        config = json.loads(_read(old, manifest["Config"]))
        config["rootfs"]["diff_ids"].append(f"sha256:{digest}")
        config.setdefault("history", []).append({"comment": "the environment of the host"})
        text = json.dumps(config).encode()
        config_name = f"{hashlib.sha256(text).hexdigest()}.json"
        for path in dict.fromkeys(manifest["Layers"]):
            member = old.getmember(path)
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
        add(new, f"{digest}.tar", content)
        add(new, config_name, text)
        entry = {
            "Config": config_name,
            "RepoTags": [name],
            "Layers": [*manifest["Layers"], f"{digest}.tar"],
        }
        add(new, "manifest.json", json.dumps([entry]).encode())
    return chain_id(config["rootfs"]["diff_ids"])


def chain_id(diff_ids: list[str]) -> str:
    """The identity of a stack of layers: each is hashed with the chain below it."""
    chain = diff_ids[0]
    for diff in diff_ids[1:]:
        chain = "sha256:" + hashlib.sha256(f"{chain} {diff}".encode()).hexdigest()
    return chain


def _read(archive: tarfile.TarFile, path: str) -> bytes:
    member = archive.extractfile(path)
    if member is None:
        raise OperationError(f"{archive.name!s} is not a docker-archive: it has no {path}")
    return member.read()
