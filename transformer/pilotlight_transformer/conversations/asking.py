"""Which conversation a request names, and what it says in it."""

import re
from typing import Any

import orjson

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.conversations.history import Message
from pilotlight_transformer.conversations.store import Key
from pilotlight_transformer.pipeline.call import Call, NestedTooDeeply
from pilotlight_transformer.pipeline.route import Route

ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
ID_FIELD = "conversation_id"
VERSION_FIELD = "conversation_version"
MAX_VERSION = 2**53


def may_name_one(call: Call) -> bool:
    """Whether the body can hold the field, in any spelling that JSON allows."""
    if call.over_grpc or call.method != "POST":
        return False
    return b"conversation_" in call.body or b"\\u" in call.body


def named(call: Call) -> tuple[Key | None, int | None]:
    """The conversation that a body names, and the version expected; both are taken out of it.

    Raises:
        InvalidRequest: They are no such things, or stand where they cannot be used.
    """
    if call.route is not Route.CHAT:
        _refuse_elsewhere(call)
        return None, None
    document = call.document
    if ID_FIELD not in document and VERSION_FIELD not in document:
        return None, None
    document = call.edit()
    name, expected = document.pop(ID_FIELD, None), document.pop(VERSION_FIELD, None)
    if name is None:
        if expected is not None:
            raise InvalidRequest(f"{VERSION_FIELD} needs a {ID_FIELD}", param=VERSION_FIELD)
        return None, None
    if not isinstance(name, str) or ID.fullmatch(name) is None:
        raise InvalidRequest(
            f"{ID_FIELD} must be 1 to 128 letters, digits, dots, underscores and hyphens",
            param=ID_FIELD,
        )
    if expected is not None and (type(expected) is not int or not 0 <= expected < MAX_VERSION):
        raise InvalidRequest(
            f"{VERSION_FIELD} must be the number of the header x-conversation-version",
            param=VERSION_FIELD,
        )
    if document.get("n") not in (None, 1):
        raise InvalidRequest(
            f"with a {ID_FIELD} there is one answer only: leave out n, or set it to 1", param="n"
        )
    return Key(call.identity.tenant, name), expected


def _refuse_elsewhere(call: Call) -> None:
    try:
        document = call.document
    except NestedTooDeeply:
        raise
    except InvalidRequest:
        return  # binary tensors, or what the predictor refuses itself
    parameters = document.get("parameters")
    inner = parameters if isinstance(parameters, dict) else {}
    for field in (ID_FIELD, VERSION_FIELD):
        if document.get(field) is not None or inner.get(field) is not None:
            raise InvalidRequest(
                f"only /v1/chat/completions takes a {ID_FIELD}: ask there, or send the history "
                "yourself",
                param=field,
            )


def messages_of(call: Call, max_bytes: int) -> list[Message]:
    """What a chat's request says.

    Raises:
        InvalidRequest: It is no list of messages, or more than a conversation keeps.
    """
    messages: Any = call.document.get("messages")
    if (
        not isinstance(messages, list)
        or not messages
        or not all(isinstance(message, dict) for message in messages)
    ):
        raise InvalidRequest(
            "messages must be a list of objects, with one at least", param="messages"
        )
    if len(orjson.dumps(messages)) > max_bytes:
        raise InvalidRequest(
            f"the messages are over {max_bytes} bytes, more than a conversation keeps: send less, "
            f"or ask without {ID_FIELD}",
            param="messages",
        )
    return messages
