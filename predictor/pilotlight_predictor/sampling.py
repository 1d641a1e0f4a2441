"""The sampling parameters that KServe's V1 and V2 requests may carry."""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pilotlight.errors import InvalidRequest

_INT64 = 2**63


def _not_a_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not a boolean")  # noqa: TRY004  # for pydantic
    return value


def _stop_list(value: object) -> object:
    """V2 parameters are scalars: several stops come as a JSON array in a string."""
    if not isinstance(value, str):
        return value
    if value.startswith("["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return [value]
    return [value]


# A number may come as a string: gRPC's InferParameter has no floating point.
Integer = Annotated[int, BeforeValidator(_not_a_boolean), Field(ge=-_INT64, lt=_INT64)]
Number = Annotated[float, BeforeValidator(_not_a_boolean), Field(allow_inf_nan=False)]


class Sampling(BaseModel):
    """Fields of OpenAI's (and vLLM's) request body with the same names and meanings.

    Only types are checked here; the engine checks ranges, as it does for OpenAI's routes.
    """

    model_config = ConfigDict(extra="forbid")

    max_tokens: Integer | None = None
    min_tokens: Integer | None = None
    temperature: Number | None = None
    top_p: Number | None = None
    top_k: Integer | None = None
    min_p: Number | None = None
    seed: Integer | None = None
    stop: Annotated[list[str], BeforeValidator(_stop_list)] | None = None
    frequency_penalty: Number | None = None
    presence_penalty: Number | None = None
    repetition_penalty: Number | None = None
    ignore_eos: bool | None = None
    skip_special_tokens: bool | None = None
    n: Annotated[int, BeforeValidator(_not_a_boolean), Field(ge=1, le=1)] | None = None

    def openai_fields(self) -> dict[str, Any]:
        """The fields that the request sets."""
        return self.model_dump(exclude_none=True)


def read_sampling(values: Mapping[str, object], where: str) -> dict[str, Any]:
    """OpenAI's sampling fields from the parameters of a request.

    Args:
        values: The parameters; ``None`` means unset.
        where: The place in the request, for the message.

    Raises:
        InvalidRequest: A parameter that is unknown or of a wrong type; it names the parameter.
    """
    try:
        return Sampling.model_validate(values).openai_fields()
    except ValidationError as error:
        raise invalid(error, where) from None


def invalid(error: ValidationError, where: str) -> InvalidRequest:
    """One line for the first thing that pydantic found wrong."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = str(first["loc"][0]) if first["loc"] else None
    place = _path((where, *first["loc"]) if where else first["loc"])
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(Sampling.model_fields))
        return InvalidRequest(f"{place}: unknown parameter; the known ones are {known}", param=name)
    message = first["msg"].removeprefix("Value error, ")
    return InvalidRequest(f"{place}: {message}", param=name)


def _path(parts: tuple[int | str, ...]) -> str:
    """``inputs[0].shape`` for ``("inputs", 0, "shape")``."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return path.removeprefix(".")
