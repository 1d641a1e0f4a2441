"""KServe's V1 protocol: ``{"instances": [...]}`` in, ``{"predictions": [...]}`` out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from pilotlight.errors import InvalidRequest
from pilotlight_predictor.sampling import read_sampling
from pilotlight_predictor.text_generator import Answer, Prompt


@dataclass(frozen=True, slots=True)
class Instances:
    """The instances of one request.

    Args:
        prompts: One for each instance, in order.
        plain: Whether the instance was a bare string, so that its prediction is one too.
    """

    prompts: Sequence[Prompt]
    plain: Sequence[bool]

    def predictions(self, answers: Sequence[Answer]) -> dict[str, Any]:
        """The response: a text for a string, an object for an object."""
        return {
            "predictions": [
                answer.text if plain else _prediction(answer)
                for plain, answer in zip(self.plain, answers, strict=True)
            ]
        }


def parse_body(body: bytes) -> object:
    """The JSON of a request body.

    Raises:
        InvalidRequest: The body is not JSON, or not UTF-8.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from None


def read_instances(payload: object, max_prompts: int) -> Instances:
    """Check a V1 payload.

    Args:
        payload: ``instances`` (strings, or objects with ``prompt`` or ``messages`` and
            sampling parameters) and ``parameters``, which apply to all of them.
        max_prompts: Instances that one request may carry.

    Raises:
        InvalidRequest: It names the field at fault.
    """
    if not isinstance(payload, Mapping):
        raise InvalidRequest('the body must be an object: {"instances": [...]}')
    if unknown := sorted(str(key) for key in payload.keys() - {"instances", "parameters"}):
        raise InvalidRequest(
            f"{unknown[0]}: unknown field; V1 knows instances and parameters", param=unknown[0]
        )
    instances = payload.get("instances")
    if not isinstance(instances, list) or not instances:
        raise InvalidRequest("instances: must be a list with at least one entry", param="instances")
    if len(instances) > max_prompts:
        raise InvalidRequest(
            f"instances: {len(instances)} are too many, one request may carry {max_prompts}",
            param="instances",
        )
    shared = payload.get("parameters") or {}
    if not isinstance(shared, Mapping):
        raise InvalidRequest("parameters: must be an object", param="parameters")
    shared = read_sampling(shared, "parameters")
    return Instances(
        prompts=[_prompt(entry, shared, f"instances[{i}]") for i, entry in enumerate(instances)],
        plain=[isinstance(entry, str) for entry in instances],
    )


def _prompt(instance: object, shared: Mapping[str, Any], where: str) -> Prompt:
    if isinstance(instance, str):
        return Prompt(instance, shared)
    if not isinstance(instance, Mapping):
        raise InvalidRequest(f"{where}: must be a string or an object", param=where)
    fields = dict(instance)
    given = [name for name in ("prompt", "messages") if name in fields]
    if len(given) != 1:
        raise InvalidRequest(f"{where}: must have either prompt or messages", param=where)
    content = fields.pop(given[0])
    own = read_sampling(fields, where)
    return Prompt(_content(given[0], content, where), {**shared, **own})


def _content(name: str, content: object, where: str) -> str | Sequence[Mapping[str, Any]]:
    if name == "messages":
        return read_messages(content, f"{where}.messages")
    if not isinstance(content, str):
        raise InvalidRequest(f"{where}.prompt: must be a string", param="prompt")
    return content


def read_messages(content: object, where: str) -> Sequence[Mapping[str, Any]]:
    """The messages of a chat; the engine checks what is in them.

    Raises:
        InvalidRequest: They are not a list of objects, or there are none.
    """
    if (
        not isinstance(content, list)
        or not content
        or not all(isinstance(message, Mapping) for message in content)
    ):
        raise InvalidRequest(f"{where}: must be a list of message objects", param="messages")
    return content


def _prediction(answer: Answer) -> dict[str, Any]:
    return {
        "text": answer.text,
        "finish_reason": answer.finish_reason,
        "usage": {
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "total_tokens": answer.prompt_tokens + answer.completion_tokens,
        },
    }
