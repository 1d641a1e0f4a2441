"""The engine's LoRA adapters, through the object behind vLLM's list of models."""

import re
from pathlib import Path
from typing import Any

from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.entrypoints.serve.lora.protocol import LoadLoRAAdapterRequest, UnloadLoRAAdapterRequest

from pilotlight.errors import InvalidRequest, ModelNotFound, NotSupported, Unavailable

# The worker's own words, in what the executor and the engine core wrap around them.
_WORKER_ERROR = re.compile(r"Worker failed with error '(.*)', please check", re.DOTALL)


class VllmAdapters:
    """Implements :class:`~.lora.Adapters`.

    Args:
        models: vLLM's ``OpenAIServingModels``, from the state of its application.
    """

    def __init__(self, models: Any) -> None:
        self._models = models

    async def load(self, name: str, path: Path) -> None:
        """Load an adapter; vLLM checks its rank and modules against the model."""
        engine = self._models.engine_client
        if engine.vllm_config.lora_config is None:
            raise NotSupported("the engine runs without LoRA: start it with --enable-lora")
        answer = await self._models.load_lora_adapter(
            LoadLoRAAdapterRequest(lora_name=name, lora_path=str(path))
        )
        if not isinstance(answer, ErrorResponse):
            return
        if engine.errored:
            raise Unavailable("the engine has stopped")
        # vLLM calls an adapter that does not fit the model an internal error.
        cause = _WORKER_ERROR.search(answer.error.message)
        why = cause.group(1) if cause else answer.error.message
        raise InvalidRequest(f"adapter {name}: {why}", param="path")

    async def unload(self, name: str) -> None:
        """Forget the name; the engine drops the weights when it needs their room."""
        answer = await self._models.unload_lora_adapter(UnloadLoRAAdapterRequest(lora_name=name))
        if isinstance(answer, ErrorResponse):
            raise ModelNotFound(f"adapter {name} is not loaded", param="name")
