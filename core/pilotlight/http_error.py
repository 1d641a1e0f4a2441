"""Errors on the wire: OpenAI's shape, or KServe's on its own paths."""

import json
import math

from pilotlight.errors import RequestError

Header = tuple[bytes, bytes]


def is_kserve_path(path: str) -> bool:
    """Whether KServe's V1 or V2 protocol owns the path."""
    return path == "/v2" or path.startswith(("/v2/", "/v1/models/"))


def error_body(error: RequestError, path: str) -> bytes:
    """The JSON body of an error for a client of ``path``."""
    if is_kserve_path(path):
        return json.dumps({"error": error.message}).encode()
    fields = {
        "message": error.message,
        "type": error.kind,
        "param": error.param,
        "code": error.code,
    }
    return json.dumps({"error": fields}).encode()


def error_headers(error: RequestError, body: bytes, request_id: str | None = None) -> list[Header]:
    """Headers that go with :func:`error_body`."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if request_id is not None:
        headers.append((b"x-request-id", request_id.encode()))
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(error.retry_after_s))).encode()))
    if error.closes_connection:
        headers.append((b"connection", b"close"))
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    return headers
