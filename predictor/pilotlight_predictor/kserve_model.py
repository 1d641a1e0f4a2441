"""The model that KServe's data plane calls.

Importing this module imports KServe, which parses ``sys.argv`` when it is imported.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import kserve
from kserve import InferRequest, InferResponse

from pilotlight_predictor.text_generator import TextGenerator, answer_all
from pilotlight_predictor.v1 import parse_body, read_instances
from pilotlight_predictor.v2 import INPUT_TYPES, OUTPUT_TYPES, read_inference

MAX_PROMPTS = 256


class PredictorModel(kserve.Model):  # type: ignore[misc]  # kserve is not typed
    """Serves KServe V1 and Open Inference Protocol V2 through a text generator.

    Args:
        name: The model's name in the routes.
        generator: Where the answers come from.
        is_ready: What the model's readiness routes answer.
        max_prompts: Prompts that one request may carry.
    """

    def __init__(
        self,
        name: str,
        generator: TextGenerator,
        *,
        is_ready: Callable[[], bool],
        max_prompts: int = MAX_PROMPTS,
    ) -> None:
        super().__init__(name)
        self._generator = generator
        self._is_ready = is_ready
        self._max_prompts = max_prompts

    async def healthy(self) -> bool:
        return self._is_ready()

    def load(self) -> bool:
        """Nothing: KServe calls this on every request to a model that is not ready."""
        return self._is_ready()

    async def predict(
        self,
        payload: bytes | Mapping[str, Any] | InferRequest,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any] | InferResponse:
        """Answer a V1 payload with predictions, a V2 request with tensors.

        Raises:
            RequestError: The request is wrong, or the engine refused it.
        """
        headers = headers or {}
        if isinstance(payload, InferRequest):
            inference = read_inference(payload, self._max_prompts)
            answers = await answer_all(self._generator, inference.prompts, headers)
            return inference.response(self.name, answers, new_id=str(uuid.uuid4()))
        body = parse_body(payload) if isinstance(payload, bytes) else payload
        instances = read_instances(body, self._max_prompts)
        return instances.predictions(await answer_all(self._generator, instances.prompts, headers))

    def get_input_types(self) -> list[dict[str, Any]]:
        return [dict(tensor) for tensor in INPUT_TYPES]

    def get_output_types(self) -> list[dict[str, Any]]:
        return [dict(tensor) for tensor in OUTPUT_TYPES]
