"""The life of one request, whatever protocol it came by."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pilotlight.clock import Clock
from pilotlight.telemetry import bound_request_id
from pilotlight_predictor.auth import ApiKeys
from pilotlight_predictor.inflight import InFlight
from pilotlight_predictor.request import RequestContext, context_from_headers, current_request


class RequestScope:
    """Lets a request in, makes its context the current one, and cleans up after it."""

    def __init__(self, inflight: InFlight, tenant_header: str, clock: Clock) -> None:
        self._inflight = inflight
        self._tenant_header = tenant_header
        self._clock = clock
        self.keys = ApiKeys()

    @contextmanager
    def __call__(
        self, headers: Mapping[str, str], *, authenticate: bool = True
    ) -> Iterator[RequestContext]:
        """Enter the scope.

        Args:
            headers: HTTP headers or gRPC metadata, names in lower case.
            authenticate: Ask for an API key; the admin routes have a token of their own.

        Raises:
            InvalidRequest: A header cannot be used.
            Unauthorized: No key, or a wrong one.
            Unavailable: The server is loading, draining or failed.
        """
        context = context_from_headers(headers, self._tenant_header, self._clock.monotonic())
        self._inflight.enter(context)
        token = current_request.set(context)
        try:
            if authenticate:
                self.keys.check(headers)
            with bound_request_id(context.request_id):
                yield context
        finally:
            current_request.reset(token)
            self._inflight.leave(context)
