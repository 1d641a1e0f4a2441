"""Names of models in what comes back, and in what goes out where the name is not in the body."""

import re
from typing import Any

from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.event import Event
from pilotlight_transformer.pipeline.route import Route

# Every message of KServe's V2 gRPC that names a model has the name as its field 1, a string.
_FIELD_1 = b"\x0a"
_PATH = re.compile(r"(/v[12]/models/)(.+?)(:predict|/infer|/ready|)")


def ask_own(call: Call, name: str) -> None:
    """Ask the default predictor for ``name``: it has no target by which the forwarder renames."""
    if call.over_grpc:
        call.body = with_name(call.body, name)
    elif call.path_name is None:
        call.edit()["model"] = name
    elif found := _PATH.fullmatch(call.path):
        call.path = f"{found[1]}{name}{found[3]}"


def with_name(message: bytes, name: str) -> bytes:
    """A protobuf message with its string field 1 set.

    Of a field that is there several times the last one counts (Protocol Buffers, Encoding).
    """
    value = name.encode()
    size, length = len(value), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return b"".join((message, _FIELD_1, bytes([*length, size]), value))


def rename_answer(call: Call, answer: Answer, name: str) -> None:
    """Let a whole answer say ``name``."""
    if call.over_grpc:
        # In the answer to ModelReady field 1 is something else.
        if isinstance(answer.body, bytes) and not call.path.endswith("/ready"):
            answer.body = with_name(answer.body, name)
        return
    document = answer.document()
    if document is not None and rename_document(call.route, document, name):
        answer.rewrite(document)


def rename_document(route: Route, document: dict[str, Any], name: str) -> bool:
    """Let an answer say ``name``; whether there was something to change."""
    key = "model"
    if route is Route.INFER:
        key = "model_name"
    elif route is Route.METADATA:
        key = "name"
    # Anthropic's and OpenAI's newer streams wrap the object in their first and last events.
    places = (document, document.get("message"), document.get("response"))
    found = [
        place
        for place in places
        if isinstance(place, dict) and isinstance(place.get(key), str) and place[key] != name
    ]
    for place in found:
        place[key] = name
    return bool(found)


def rename_event(event: Event, route: Route, name: str) -> Event:
    """An event that says ``name``; its other lines stay."""
    document = event.document
    if document is None or not rename_document(route, document, name):
        return event
    renamed = Event.of(document)
    if not event.raw.startswith(b"data:"):
        lines = event.raw.replace(b"\r\n", b"\n").strip(b"\n").split(b"\n")
        kept = b"".join(line + b"\n" for line in lines if not line.startswith(b"data:"))
        renamed.raw = kept + renamed.raw
    return renamed
