"""The body of a V2 inference over REST: JSON, or JSON and then binary tensors.

Importing this module imports KServe, which parses ``sys.argv`` when it is imported.
"""

from typing import Any

from kserve import InferInput, InferRequest
from kserve.protocol.infer_type import RequestedOutput
from pydantic import BaseModel, Field, StrictInt, ValidationError

from pilotlight.errors import InvalidRequest
from pilotlight_predictor.sampling import invalid
from pilotlight_predictor.v1 import parse_body

JSON_LENGTH_HEADER = "inference-header-content-length"


# Which names and types parameters have is for those to say who use them.
_Parameters = dict[str, Any]


class _Tensor(BaseModel):
    name: str
    shape: list[StrictInt]
    datatype: str
    parameters: _Parameters | None = None
    data: list[Any] | None = None


class _Output(BaseModel):
    name: str
    parameters: _Parameters | None = None


class _Body(BaseModel):
    id: str | None = None
    parameters: _Parameters | None = None
    inputs: list[_Tensor] = Field(max_length=1)
    outputs: list[_Output] | None = None


def read_infer_body(body: bytes, json_length: str | None, model_name: str) -> InferRequest:
    """Decode a body into KServe's request.

    KServe's own decoder trusts the JSON in front of binary data; this one checks it.

    Args:
        json_length: The header ``Inference-Header-Content-Length``: bytes of JSON, when binary
            data comes after it.

    Raises:
        InvalidRequest: The body does not follow the protocol; the message names the field.
    """
    header, binary = _split(body, json_length)
    fields = parse_body(header)
    if not isinstance(fields, dict):
        raise InvalidRequest('the body must be an object: {"inputs": [...]}')
    try:
        parsed = _Body.model_validate(fields)
    except ValidationError as error:
        raise invalid(error, "") from None
    raw = [_raw(tensor, binary) for tensor in parsed.inputs]
    return InferRequest(
        model_name=model_name,
        request_id=parsed.id,
        parameters=parsed.parameters,
        infer_inputs=[
            InferInput(t.name, t.shape, t.datatype, t.data, t.parameters) for t in parsed.inputs
        ],
        raw_inputs=raw if raw != [None] else None,
        request_outputs=[RequestedOutput(o.name, o.parameters) for o in parsed.outputs or []]
        or None,
    )


def _split(body: bytes, json_length: str | None) -> tuple[bytes, bytes]:
    if json_length is None:
        return body, b""
    if not (json_length.isascii() and json_length.isdigit() and len(json_length) < 12):
        raise InvalidRequest(
            f"header {JSON_LENGTH_HEADER}: must be a number of bytes", param=JSON_LENGTH_HEADER
        )
    length = int(json_length)
    if length > len(body):
        raise InvalidRequest(
            f"header {JSON_LENGTH_HEADER}: {length} bytes, but the body has {len(body)}",
            param=JSON_LENGTH_HEADER,
        )
    return body[:length], body[length:]


def _raw(tensor: _Tensor, binary: bytes) -> bytes | None:
    """The binary data of the one tensor that a request has."""
    size = (tensor.parameters or {}).get("binary_data_size")
    if size is None and tensor.data is not None and not binary:
        return None
    if size is None or tensor.data is not None:
        raise InvalidRequest(
            f"{tensor.name}: must have either data or the parameter binary_data_size",
            param=tensor.name,
        )
    if isinstance(size, bool) or size != len(binary):
        raise InvalidRequest(
            f"{tensor.name}: binary_data_size is {size}, but {len(binary)} bytes follow the JSON",
            param="binary_data_size",
        )
    return binary
