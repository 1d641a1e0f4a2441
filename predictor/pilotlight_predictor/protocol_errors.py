"""From any exception to one answer: Pilotlight's error tree, then the wire's shape.

Importing this module imports KServe, which parses ``sys.argv`` when it is imported.
"""

import logging
import traceback

import fastapi
import kserve.errors
import starlette.exceptions
from fastapi import FastAPI, Request
from fastapi.dependencies.utils import solve_dependencies
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response

from pilotlight.errors import (
    InvalidRequest,
    MethodNotAllowed,
    ModelNotFound,
    NotSupported,
    RequestError,
    RouteNotFound,
    Unavailable,
)
from pilotlight.http_error import error_body, error_headers

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
        case starlette.exceptions.HTTPException(status_code=404):
            return RouteNotFound("no such route")
        case starlette.exceptions.HTTPException(status_code=405):
            return MethodNotAllowed("this route does not have this method: see the header Allow")
        case starlette.exceptions.HTTPException() if 400 <= error.status_code < 500:
            return InvalidRequest(str(error.detail))
        case AttributeError() | LookupError() if _while_reading(error):
            return InvalidRequest("a field of the body has a wrong type")
    _log.error("a request failed unexpectedly", exc_info=error)
    return RequestError("internal error")


def _while_reading(error: Exception) -> bool:
    """Whether it came up while the request was read, before anything was done for it.

    vLLM's validators look into fields of which the type is not checked yet.
    """
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_code is solve_dependencies.__code__ for frame, _ in frames)


def error_response(error: RequestError, path: str) -> Response:
    """The error in the shape of the protocol that owns ``path``."""
    body = error_body(error, path)
    response = Response(body, error.status)
    response.raw_headers = error_headers(error, body)
    return response


def translate_errors(app: FastAPI, path: str) -> None:
    """Give an application's own refusals (no route, no method, no JSON) a protocol's shape.

    Args:
        path: A path of the protocol that the application serves.
    """

    async def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, AttributeError | LookupError) and not _while_reading(error):
            raise error
        response = error_response(as_request_error(error), path)
        for name, value in (getattr(error, "headers", None) or {}).items():
            response.headers[name] = value
        return response

    for kind in (
        RequestError,
        starlette.exceptions.HTTPException,
        fastapi.HTTPException,
        AttributeError,
        LookupError,
    ):
        app.add_exception_handler(kind, answer)
    # An application that has built its middleware already would never look at new handlers.
    app.middleware_stack = None
