"""The bytes in which feedback is kept."""

import json
from typing import Any


def packed(document: object) -> bytes:
    """JSON in ASCII: a tenant's name may hold half a surrogate, which has no UTF-8."""
    return json.dumps(document, separators=(",", ":")).encode()


def unpacked(data: bytes) -> Any:
    """The other way round."""
    return json.loads(data)
