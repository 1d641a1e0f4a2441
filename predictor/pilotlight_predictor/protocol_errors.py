"""From any exception to one answer: Pilotlight's error tree, then the wire's shape.

Importing this module imports KServe, which parses ``sys.argv`` when it is imported.
"""

import logging

import kserve.errors
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pilotlight.errors import InvalidRequest, RequestError, Unavailable

from pilotlight_predictor.http_error import error_body, error_headers
from pilotlight_predictor.request_errors import ModelNotFound, NotSupported

_log = logging.getLogger(__name__)


def as_request_error(error: Exception) -> RequestError:
    """The request error that ``error`` means; an unexpected one is logged and says nothing."""
    match error:
        case RequestError():
            return error
        case kserve.errors.ModelNotFound():
            return ModelNotFound(error.reason)
        case (
            kserve.errors.ModelNotReady()
            | kserve.errors.ServerNotReady()
            | kserve.errors.ServerNotLive()
        ):
            return Unavailable(error.error_msg)
        case kserve.errors.InvalidInput() | kserve.errors.InferenceError():
            return InvalidRequest(str(error.reason))
        case RequestValidationError():
            return InvalidRequest(str(error.errors()[0]["msg"]))
        case NotImplementedError() | kserve.errors.UnsupportedProtocol():
            return NotSupported(str(error) or "not supported")
    _log.error("a request failed unexpectedly", exc_info=error)
    return RequestError("internal error")


def error_response(error: RequestError, path: str) -> Response:
    """The error in the shape of the protocol that owns ``path``."""
    body = error_body(error, path)
    response = Response(body, error.status)
    response.raw_headers = error_headers(error, body)
    return response
