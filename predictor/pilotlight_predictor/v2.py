"""Open Inference Protocol V2: prompts in a BYTES tensor, answers in another.

Importing this module imports KServe, which parses ``sys.argv`` when it is imported.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from kserve import InferInput, InferOutput, InferRequest, InferResponse
from kserve.protocol.infer_type import to_http_parameters

from pilotlight.errors import InvalidRequest
from pilotlight_predictor.bytes_tensor import element_count, texts_from_list, texts_from_raw
from pilotlight_predictor.sampling import read_sampling
from pilotlight_predictor.text_generator import Answer, Prompt
from pilotlight_predictor.v1 import read_messages

INPUT_TYPES: list[dict[str, Any]] = [{"name": "prompt", "datatype": "BYTES", "shape": [-1]}]
OUTPUT_TYPES: list[dict[str, Any]] = [
    {"name": "text_output", "datatype": "BYTES", "shape": [-1]},
    {"name": "finish_reason", "datatype": "BYTES", "shape": [-1]},
    {"name": "prompt_tokens", "datatype": "INT32", "shape": [-1]},
    {"name": "completion_tokens", "datatype": "INT32", "shape": [-1]},
]

PROMPT_INPUTS = ("prompt", "text_input")
MESSAGES_INPUT = "messages"

_COLUMNS: Mapping[str, Callable[[Answer], str | int]] = {
    "text_output": lambda answer: answer.text,
    "finish_reason": lambda answer: answer.finish_reason,
    "prompt_tokens": lambda answer: answer.prompt_tokens,
    "completion_tokens": lambda answer: answer.completion_tokens,
}
# Parameters of the protocol's binary data extension, which say nothing about sampling.
_BINARY = frozenset({"binary_data_output", "binary_data_size"})


@dataclass(frozen=True, slots=True)
class Inference:
    """One V2 request: its prompts, and the shape that its answer has."""

    request: InferRequest
    prompts: Sequence[Prompt]

    def response(self, model_name: str, answers: Sequence[Answer], new_id: str) -> InferResponse:
        """The output tensors that were asked for, or all of them.

        Args:
            new_id: The response's id when the request has none.
        """
        wanted = [output.name for output in self.request.request_outputs or []] or list(_COLUMNS)
        return InferResponse(
            response_id=self.request.id or new_id,
            model_name=model_name,
            infer_outputs=[
                InferOutput(
                    name=tensor["name"],
                    datatype=tensor["datatype"],
                    shape=[len(answers)],
                    data=[_COLUMNS[tensor["name"]](answer) for answer in answers],
                )
                for tensor in OUTPUT_TYPES
                if tensor["name"] in wanted
            ],
            use_binary_outputs=self.request.use_binary_outputs,
            requested_outputs=self.request.request_outputs,
        )


def read_inference(request: InferRequest, max_prompts: int) -> Inference:
    """Check a V2 request, which KServe has decoded from REST or gRPC.

    Raises:
        InvalidRequest: It names the tensor, the output or the parameter at fault.
    """
    if len(request.inputs) != 1:
        raise InvalidRequest(
            f"inputs: {len(request.inputs)} tensors, must be one, named prompt or messages",
            param="inputs",
        )
    tensor = request.inputs[0]
    _check_outputs(request)
    texts = _texts(tensor, max_prompts)
    sampling, chat = _parameters(request, tensor)
    return Inference(request, [Prompt(_content(tensor.name, t, chat), sampling) for t in texts])


def _texts(tensor: InferInput, max_prompts: int) -> list[str]:
    name = tensor.name
    if name not in (*PROMPT_INPUTS, MESSAGES_INPUT):
        raise InvalidRequest(
            f"{name}: unknown input; the known ones are prompt, text_input and messages", param=name
        )
    if tensor.datatype != "BYTES":
        raise InvalidRequest(f"{name}: datatype {tensor.datatype} must be BYTES", param=name)
    count = element_count(name, tensor.shape, max_prompts)
    # InferInput shows the binary form only through as_numpy, which has no bound.
    raw = tensor._raw_data
    if raw is not None:
        return texts_from_raw(name, raw, count)
    return texts_from_list(name, tensor.data, count)


def _content(name: str, text: str, chat: bool) -> str | Sequence[Mapping[str, Any]]:
    if name == MESSAGES_INPUT:
        try:
            return read_messages(orjson.loads(text), MESSAGES_INPUT)
        except orjson.JSONDecodeError as error:
            raise InvalidRequest(
                f"messages: each text must be a JSON array of messages: {error}", param="messages"
            ) from None
    return [{"role": "user", "content": text}] if chat else text


def _parameters(request: InferRequest, tensor: InferInput) -> tuple[dict[str, Any], bool]:
    """Sampling fields, and whether the prompts are chat turns; the tensor's own come first."""
    given = {
        **to_http_parameters(request.parameters or {}),
        **to_http_parameters(tensor.parameters or {}),
    }
    values = {name: value for name, value in given.items() if name not in _BINARY}
    chat = values.pop("chat", False)
    if not isinstance(chat, bool):
        raise InvalidRequest("parameters.chat: must be true or false", param="chat")
    return read_sampling(values, "parameters"), chat


def _check_outputs(request: InferRequest) -> None:
    """KServe looks at these only when the answer is there and has been paid for."""
    names = [output.name for output in request.request_outputs or []]
    for name in names:
        if name not in _COLUMNS:
            raise InvalidRequest(
                f"outputs: unknown output {name}; the known ones are {', '.join(_COLUMNS)}",
                param="outputs",
            )
    if len(set(names)) != len(names):
        raise InvalidRequest("outputs: an output is named twice", param="outputs")
    flags = [output.binary_data for output in request.request_outputs or []]
    flags.append(to_http_parameters(request.parameters or {}).get("binary_data_output"))
    if any(flag is not None and not isinstance(flag, bool) for flag in flags):
        raise InvalidRequest(
            "binary_data and binary_data_output: must be true or false", param="binary_data_output"
        )
