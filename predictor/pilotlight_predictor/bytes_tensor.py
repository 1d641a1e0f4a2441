"""Texts in BYTES tensors of the Open Inference Protocol.

Source: https://github.com/kserve/open-inference-protocol, and its binary data extension,
in which each element is its length (4 bytes, little endian) and then its bytes.
"""

import math
import struct
from collections.abc import Sequence

from pilotlight.errors import InvalidRequest

_LENGTH = struct.Struct("<I")


def element_count(name: str, shape: Sequence[int], limit: int) -> int:
    """The number of texts in a tensor of shape [n] or [n, 1].

    Raises:
        InvalidRequest: Another shape, or n not in 1 to ``limit``.
    """
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] != 1):
        raise InvalidRequest(f"{name}: shape {list(shape)} must be [n] or [n, 1]", param=name)
    count = math.prod(shape)
    if not 1 <= count <= limit:
        raise InvalidRequest(f"{name}: {count} texts, must be 1 to {limit}", param=name)
    return count


def texts_from_raw(name: str, raw: bytes, count: int) -> list[str]:
    """Decode the binary form of a BYTES tensor.

    KServe's own decoder reads whatever is there, so that a few MiB of empty elements hold up
    the event loop; this one stops at ``count``.

    Raises:
        InvalidRequest: The bytes do not hold exactly ``count`` texts in UTF-8.
    """
    texts = []
    at = 0
    for _ in range(count):
        if at + _LENGTH.size > len(raw):
            raise _wrong_count(name, count)
        (length,) = _LENGTH.unpack_from(raw, at)
        at += _LENGTH.size
        if at + length > len(raw):
            raise _wrong_count(name, count)
        texts.append(_decoded(name, raw[at : at + length]))
        at += length
    if at != len(raw):
        raise _wrong_count(name, count)
    return texts


def texts_from_list(name: str, data: object, count: int) -> list[str]:
    """Decode the JSON (or gRPC ``bytes_contents``) form of a BYTES tensor.

    Args:
        data: A flat list, or a list of lists of one.

    Raises:
        InvalidRequest: It does not hold exactly ``count`` texts in UTF-8.
    """
    if not isinstance(data, list) or len(data) != count:
        raise _wrong_count(name, count)
    texts = []
    for element in data:
        value = element[0] if isinstance(element, list) and len(element) == 1 else element
        if isinstance(value, bytes):
            value = _decoded(name, value)
        if not isinstance(value, str):
            raise InvalidRequest(f"{name}: data must be strings", param=name)
        texts.append(value)
    return texts


def _decoded(name: str, value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{name}: not UTF-8: {error.reason}", param=name) from None


def _wrong_count(name: str, count: int) -> InvalidRequest:
    return InvalidRequest(f"{name}: its data must hold the {count} texts of its shape", param=name)
