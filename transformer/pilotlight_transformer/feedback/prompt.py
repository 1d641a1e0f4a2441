"""What was asked, as a chat's messages."""

from typing import Any

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.pipeline.call import Call

_FIELDS = ("prompt", "input", "instances", "inputs")


def prompt_of(call: Call) -> list[dict[str, Any]]:
    """The messages of a chat; any other prompt as what one user said."""
    if call.over_grpc:
        return []
    try:
        document = call.document
    except InvalidRequest:
        return []
    messages = document.get("messages")
    if isinstance(messages, list):
        return messages
    for field in _FIELDS:
        if (said := document.get(field)) is not None:
            return [{"role": "user", "content": said}]
    return []
