"""Errors as gRPC says them, and back."""

import grpc

from pilotlight.errors import (
    BadGateway,
    DeadlineExceeded,
    Forbidden,
    InvalidRequest,
    ModelNotFound,
    NotSupported,
    Outdated,
    Overloaded,
    RequestError,
    Unauthorized,
    Unavailable,
)

Code = grpc.StatusCode

PUSHBACK = "grpc-retry-pushback-ms"
"""Clients with a retry policy wait so long before the next attempt (gRFC A6)."""

_CODES = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    408: Code.DEADLINE_EXCEEDED,
    409: Code.ABORTED,
    413: Code.INVALID_ARGUMENT,
    429: Code.RESOURCE_EXHAUSTED,
    431: Code.INVALID_ARGUMENT,
    499: Code.CANCELLED,
    501: Code.UNIMPLEMENTED,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}
_ERRORS: dict[grpc.StatusCode, type[RequestError]] = {
    Code.INVALID_ARGUMENT: InvalidRequest,
    Code.OUT_OF_RANGE: InvalidRequest,
    Code.FAILED_PRECONDITION: InvalidRequest,
    Code.UNAUTHENTICATED: Unauthorized,
    Code.PERMISSION_DENIED: Forbidden,
    Code.NOT_FOUND: ModelNotFound,
    Code.ABORTED: Outdated,
    Code.ALREADY_EXISTS: Outdated,
    Code.RESOURCE_EXHAUSTED: Overloaded,
    Code.UNIMPLEMENTED: NotSupported,
    Code.UNAVAILABLE: Unavailable,
    Code.DEADLINE_EXCEEDED: DeadlineExceeded,
}
_ADDRESSES = ("ipv4:", "ipv6:", "unix:")


def code_of(status: int) -> grpc.StatusCode:
    """The code that says what an HTTP status says."""
    return _CODES.get(status, Code.INTERNAL)


def error_of(code: grpc.StatusCode, details: str) -> RequestError:
    """A predictor's failure as an error of the pipeline.

    Addresses that gRPC writes into its own messages are not for clients.
    """
    if any(kind in details for kind in _ADDRESSES):
        details = "the predictor cannot be reached: try again"
    return _ERRORS.get(code, BadGateway)(details or f"the predictor answered {code.name}")
