"""The model's name, read out of a protobuf message without its schema.

Source: Protocol Buffers, "Encoding". Every message of KServe's V2 protocol that names a model has
the name as its field 1, a string. What different parsers read differently is refused, so that the
steps see the same name as the predictor.
"""

from pilotlight.errors import InvalidRequest

MAX_FIELDS = 10_000
"""Fields of one message, each tensor being one; a bound on the time that reading takes."""

_NAME = 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_TAG_BYTES, _VARINT_BYTES = 5, 10
_TAG_MOST = 2**32 - 1


def model_name(message: bytes) -> str:
    """The string in field 1; of several the last one, as the specification says.

    Returns:
        An empty text if there is none.

    Raises:
        InvalidRequest: The message is cut, holds groups or unknown wire types, or has a field 1
            that is no text.
    """
    name, at = b"", 0
    for _ in range(MAX_FIELDS):
        if at == len(message):
            return _text(name)
        tag, at = _varint(message, at, _TAG_BYTES)
        number, kind = tag >> 3, tag & 7
        if tag > _TAG_MOST or number == 0:
            raise _wrong("a field has an impossible number")
        start, at = _skip(message, at, kind)
        if number == _NAME:
            if kind != _BYTES:
                raise _wrong("the model's name is no text")
            name = message[start:at]
    if at == len(message):
        return _text(name)
    raise _wrong(f"it has over {MAX_FIELDS} fields")


def _skip(message: bytes, at: int, kind: int) -> tuple[int, int]:
    """Where a field's value starts and ends."""
    start = at
    if kind == _VARINT:
        _, end = _varint(message, at, _VARINT_BYTES)
    elif kind == _FIXED64:
        end = at + 8
    elif kind == _FIXED32:
        end = at + 4
    elif kind == _BYTES:
        length, start = _varint(message, at, _VARINT_BYTES)
        end = start + length
    else:
        raise _wrong("it has a wire type that this protocol does not use")
    if end > len(message):
        raise _wrong("it is cut")
    return start, end


def _varint(message: bytes, at: int, most: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(message[at : at + most]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, at + index + 1
    raise _wrong("a number is cut or too long")


def _text(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise _wrong("the model's name is no UTF-8") from None


def _wrong(why: str) -> InvalidRequest:
    return InvalidRequest(f"the message cannot be read: {why}")
