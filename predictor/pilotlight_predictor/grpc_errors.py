"""Errors over gRPC: a status code and a message, never a traceback.

Importing this module imports KServe, which parses ``sys.argv`` when it is imported.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc import aio

from pilotlight.errors import RequestError
from pilotlight_predictor.protocol_errors import as_request_error

_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
# gRFC A6: clients with a retry policy wait this long before the next attempt.
PUSHBACK = "grpc-retry-pushback-ms"


def status_code(error: RequestError) -> grpc.StatusCode:
    """The gRPC status that says what the HTTP status of ``error`` says."""
    return _CODES.get(error.status, grpc.StatusCode.INTERNAL)


class ErrorInterceptor(aio.ServerInterceptor):  # type: ignore[misc]  # grpc is not typed
    """Ends a call that raised with the status that its error means."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler

        async def answer(request: Any, context: aio.ServicerContext) -> Any:
            try:
                return await handler.unary_unary(request, context)
            except aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001  # translated, and logged if unexpected
                await _abort(context, as_request_error(error))

        return grpc.unary_unary_rpc_method_handler(
            answer, handler.request_deserializer, handler.response_serializer
        )


async def _abort(context: aio.ServicerContext, error: RequestError) -> None:
    trailing: tuple[tuple[str, str], ...] = ()
    if error.retry_after_s is not None:
        trailing = ((PUSHBACK, str(round(error.retry_after_s * 1000))),)
    await context.abort(status_code(error), error.message, trailing)
