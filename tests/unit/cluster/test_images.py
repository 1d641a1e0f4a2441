"""Images written by hand are what containerd takes them for."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from rich.console import Console

from pilotlight.errors import OperationError, UsageError
from pilotlight_cluster.console import Progress
from pilotlight_cluster.images import buildah, project
from pilotlight_cluster.images.archive import Image, write
from pilotlight_cluster.images.environment import Environment, chain_id, with_layer


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    file = tmp_path / "image.tar"
    write(file, [Image("dev.local/one:1", (("/usr/bin/one", program),), ("/usr/bin/one",))])
    return file


def _json(tar: tarfile.TarFile, path: str) -> object:
    member = tar.extractfile(path)
    assert member is not None
    return json.load(member)


def _config(file: Path) -> tuple[dict[str, object], dict[str, object]]:
    with tarfile.open(file) as tar:
        manifest = _json(tar, "manifest.json")
        assert isinstance(manifest, list)
        config = _json(tar, manifest[0]["Config"])
        assert isinstance(config, dict)
        return manifest[0], config


def test_a_layer_has_the_digest_that_the_image_says(archive: Path) -> None:
    manifest, config = _config(archive)
    assert isinstance(manifest["Layers"], list)
    with tarfile.open(archive) as tar:
        layer = tar.extractfile(manifest["Layers"][0])
        assert layer is not None
        digest = hashlib.sha256(layer.read()).hexdigest()
    assert config["rootfs"] == {"type": "layers", "diff_ids": [f"sha256:{digest}"]}


def test_a_program_is_executable_and_runs_as_nobody(archive: Path) -> None:
    manifest, config = _config(archive)
    assert isinstance(manifest["Layers"], list)
    assert isinstance(config["config"], dict)
    assert config["config"]["User"] == "65532"
    with (
        tarfile.open(archive) as tar,
        tarfile.open(fileobj=tar.extractfile(manifest["Layers"][0])) as layer,
    ):
        assert layer.getmember("usr/bin/one").mode == 0o755
        assert layer.getmember("tmp").mode == 0o1777


def test_equal_content_makes_an_equal_image(archive: Path, tmp_path: Path) -> None:
    os.utime(tmp_path / "program", (1, 1))
    image = Image("dev.local/one:1", (("/usr/bin/one", tmp_path / "program"),), ("/usr/bin/one",))
    write(tmp_path / "again.tar", [image])
    assert _config(tmp_path / "again.tar") == _config(archive)


def test_chain_ids_follow_the_specification() -> None:
    """The rule of the OCI image-spec: ChainID(L0|…|Ln) = Digest(ChainID(L0|…|Ln-1) + " " + Ln)."""
    first, second = "sha256:" + "a" * 64, "sha256:" + "b" * 64
    assert chain_id([first]) == first
    expected = hashlib.sha256(f"{first} {second}".encode()).hexdigest()
    assert chain_id([first, second]) == f"sha256:{expected}"


def test_a_layer_on_top_keeps_those_below(archive: Path, tmp_path: Path) -> None:
    below, _ = _config(archive)
    chain = with_layer(archive, tmp_path / "more.tar", "dev.local/two:2", "key")
    manifest, config = _config(tmp_path / "more.tar")
    assert isinstance(manifest["Layers"], list)
    assert isinstance(config["rootfs"], dict)
    assert manifest["Layers"][:-1] == below["Layers"]
    assert manifest["RepoTags"] == ["dev.local/two:2"]
    assert chain == chain_id(config["rootfs"]["diff_ids"])


def test_another_key_makes_another_layer(archive: Path, tmp_path: Path) -> None:
    chains = {with_layer(archive, tmp_path / f"{key}.tar", "x:1", key) for key in ("one", "two")}
    assert len(chains) == 2


def test_a_build_replaces_the_one_before_and_keeps_no_way_to_package_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[list[str]] = []
    built = {buildah.BASE: "base", "localhost/pilotlight-controller:dev": "old"}

    def run(argv: list[str], **_: object) -> str:
        words = argv[argv.index("overlay") + 1 :]
        said.append(words)
        if words[0] == "build":
            built["localhost/pilotlight-controller:dev"] = "new"
        if words[0] == "push":
            Path(words[2].split(":")[1]).touch()
        return json.dumps([{"id": image, "names": [name]} for name, image in built.items()])

    monkeypatch.setattr(buildah, "run", run)
    builder = buildah.Buildah(tmp_path / "storage", Progress(Console(quiet=True)))
    for _ in range(2):
        builder.build(tmp_path, "controller", tmp_path / "controller.tar", ())
    assert [words for words in said if words[0] == "rmi"] == [["rmi", "old"]]
    (first, _) = (words for words in said if words[0] == "build")
    for name in buildah.PASSED_ON:
        assert first[first.index(name) - 1] == "--unsetenv"


@pytest.mark.parametrize(("results", "pruned"), [(buildah.KEPT, 0), (buildah.KEPT + 1, 1)])
def test_a_build_clears_away_what_a_killed_one_left_and_keeps_few_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: int, pruned: int
) -> None:
    said: list[list[str]] = []
    names = [buildah.BASE, "localhost/pilotlight-controller:dev"]
    images = [{"id": name, "names": [name]} for name in names]
    images += [{"id": str(number), "names": []} for number in range(results)]

    def run(argv: list[str], **_: object) -> str:
        words = argv[argv.index("overlay") + 1 :]
        said.append(words)
        if words[0] == "push":
            Path(words[2].split(":")[1]).touch()
        return json.dumps(images)

    monkeypatch.setattr(buildah, "run", run)
    builder = buildah.Buildah(tmp_path / "storage", Progress(Console(quiet=True)))
    builder.build(tmp_path, "controller", tmp_path / "controller.tar", ())
    assert said[0] == ["rm", "--all"]
    assert said.count(["rmi", "--prune"]) == pruned


def test_what_cannot_be_cleared_away_is_told_and_fails_no_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [buildah.BASE, "localhost/pilotlight-controller:dev"]

    def run(argv: list[str], **_: object) -> str:
        words = argv[argv.index("overlay") + 1 :]
        if words[0] == "rm":
            raise OperationError("a container is in use")
        if words[0] == "push":
            Path(words[2].split(":")[1]).touch()
        return json.dumps([{"id": name, "names": [name]} for name in names])

    monkeypatch.setattr(buildah, "run", run)
    shown = io.StringIO()
    builder = buildah.Buildah(tmp_path / "storage", Progress(Console(file=shown, width=200)))
    builder.build(tmp_path, "controller", tmp_path / "controller.tar", ())
    assert (tmp_path / "controller.tar").exists()
    assert "note: left for the next build: a container is in use" in shown.getvalue()


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    folder = tmp_path / "venv"
    site = folder / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to("/usr/bin/python3")
    (folder / "bin" / "tool").write_text(f"#!{folder}/bin/python\nprint('tool')\n")
    (site / "library.py").write_text("x = 1\n")
    (site / "_editable_impl_pilotlight.pth").write_text("/somewhere\n")
    package = tmp_path / "code" / "pilotlight"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("x = 2\n")
    return Environment(folder, (package,))


def test_libraries_are_linked_and_code_is_copied(environment: Environment, tmp_path: Path) -> None:
    environment.link_into(tmp_path / "layer")
    site = tmp_path / "layer" / "opt/pilotlight/lib/python3.11/site-packages"
    original = environment.folder / "lib/python3.11/site-packages/library.py"
    assert (site / "library.py").samefile(original)
    assert (site / "pilotlight" / "__init__.py").read_text() == "x = 2\n"
    assert not list(site.glob("*.pth"))


def test_scripts_run_in_the_image_and_stay_as_they_are_here(
    environment: Environment, tmp_path: Path
) -> None:
    before = (environment.folder / "bin" / "tool").read_text()
    environment.link_into(tmp_path / "layer")
    script = tmp_path / "layer" / "opt/pilotlight/bin/tool"
    assert script.read_text().startswith("#!/opt/pilotlight/bin/python\n")
    assert script.stat().st_mode & 0o111
    assert (environment.folder / "bin" / "tool").read_text() == before


def test_code_changes_the_key_and_bytecode_does_not(environment: Environment) -> None:
    key = environment.key
    cache = environment.packages[0] / "__pycache__"
    cache.mkdir()
    (cache / "x.pyc").write_bytes(b"x")
    assert environment.key == key
    (environment.packages[0] / "__init__.py").write_text("x = 3\n")
    assert environment.key != key


def test_an_environment_on_another_python_is_refused(
    environment: Environment, tmp_path: Path
) -> None:
    python = environment.folder / "bin" / "python"
    python.unlink()
    (tmp_path / "python4").write_text("")
    python.symlink_to(tmp_path / "python4")
    with pytest.raises(OperationError, match="make env PYTHON=/usr/bin/python3"):
        environment.check()
    python.unlink()
    with pytest.raises(OperationError, match=r"no Python environment.*make env"):
        environment.check()


def test_images_know_the_checkout_that_they_are_built_from() -> None:
    assert (project.checkout() / "Dockerfile").is_file()
    files = project.tracked(project.checkout(), ("core",))
    assert project.checkout() / "core" / "pilotlight" / "cli.py" in files
    assert not [file for file in files if file.suffix == ".pyc"]


def test_an_installed_package_says_that_it_cannot_build_images(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(project, "__file__", str(tmp_path / "project.py"))
    with pytest.raises(UsageError, match="--no-images"):
        project.checkout()
