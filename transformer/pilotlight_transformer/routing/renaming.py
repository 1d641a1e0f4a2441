"""Names of models in what comes back, and in what goes out where the name is not in the body."""

import re
from typing import Any

from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.event import Event
from pilotlight_transformer.pipeline.route import Route

# Every message of KServe's V2 gRPC that names a model has the name as its field 1, a string.
_FIELD_1 = 0x0A
_PATH = re.compile(r"(/v[12]/models/)(.+?)(:predict|/infer|/ready|)")


def rename_request(call: Call, name: str) -> None:
    """Ask for ``name`` where the forwarder does not: in the path, or in a gRPC message."""
    if call.over_grpc:
        call.body = with_first_field(call.body, name)
    elif call.path_name is not None and (found := _PATH.fullmatch(call.path)):
        call.path = f"{found[1]}{name}{found[3]}"


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


def with_first_field(message: bytes, text: str) -> bytes:
    """A protobuf message with its string field 1 set; all else stays as it is.

    Source: Protocol Buffers, Encoding. A message that is cut or has groups stays whole behind the
    new field, for its receiver to refuse.
    """
    kept, at = [], 0
    try:
        while at < len(message):
            start = at
            tag, at = _varint(message, at)
            at = _skip(message, at, tag & 7)
            if tag != _FIELD_1:
                kept.append(message[start:at])
    except ValueError:
        kept = [message]
    value = text.encode()
    return b"".join([bytes([_FIELD_1]), _length(len(value)), value, *kept])


def _skip(message: bytes, at: int, kind: int) -> int:
    if kind == 0:
        _, at = _varint(message, at)
    elif kind == 1:
        at += 8
    elif kind == 2:
        size, at = _varint(message, at)
        at += size
    elif kind == 5:
        at += 4
    else:
        raise ValueError("a group")
    if at > len(message):
        raise ValueError("it is cut")
    return at


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("no end of a number")


def _length(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
