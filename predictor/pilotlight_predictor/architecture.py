"""The model's class, imported before vLLM asks what it can do."""

import json
import logging
from pathlib import Path

from vllm import ModelRegistry

logger = logging.getLogger(__name__)


def import_model_class(model: str) -> None:
    """Import the class of a model in a local folder and register it with vLLM.

    vLLM learns what a class can do in a process of its own, so that CUDA stays uninitialised, and
    keeps the answer in a cache that a fresh pod does not have: that process imports torch and vLLM
    anew. The engine needs the class in any case; imported here, it is there when the engine is
    forked. Should an import initialise CUDA, vLLM spawns its engine instead.

    A model that is no local folder, or whose class does not import, is left to vLLM, which says
    what is wrong with it.
    """
    for architecture in _architectures(Path(model) / "config.json"):
        registered = ModelRegistry.models.get(architecture)
        if registered is None:
            continue
        try:
            ModelRegistry.register_model(architecture, registered.load_model_cls())
        except Exception:
            logger.debug("%s is left to vLLM", architecture, exc_info=True)


def _architectures(config: Path) -> list[str]:
    try:
        found = json.loads(config.read_text()).get("architectures")
    except (OSError, ValueError, AttributeError):
        return []
    names = found if isinstance(found, list) else []
    return [name for name in names if isinstance(name, str)]
