"""OpenTelemetry traces, when ``OTEL_EXPORTER_OTLP_ENDPOINT`` asks for them."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

from pilotlight_predictor.request import REQUEST_ID_HEADER, RequestContext

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

ENDPOINT_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
SERVICE_NAME = "pilotlight-predictor"


class Tracing(Protocol):
    """Wraps a request in a span; gives the headers that the engine's spans hang from."""

    def server_span(
        self, path: str, headers: Mapping[str, str], context: RequestContext
    ) -> AbstractContextManager[dict[str, str]]: ...


class NoTracing:
    """No endpoint is set: headers pass as they are."""

    def server_span(
        self, path: str, headers: Mapping[str, str], context: RequestContext
    ) -> AbstractContextManager[dict[str, str]]:
        return nullcontext({**headers, REQUEST_ID_HEADER: context.request_id})


class OtlpTracing:
    """A server span for each request, a child of the caller's if it sent one (W3C)."""

    def __init__(self, tracer: "Tracer") -> None:
        self._tracer = tracer

    @contextmanager
    def server_span(
        self, path: str, headers: Mapping[str, str], context: RequestContext
    ) -> Iterator[dict[str, str]]:
        from opentelemetry.trace import SpanKind, set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        w3c = TraceContextTextMapPropagator()
        outgoing = {**headers, REQUEST_ID_HEADER: context.request_id}
        with self._tracer.start_as_current_span(
            "predictor.request", context=w3c.extract(headers), kind=SpanKind.SERVER
        ) as span:
            span.set_attribute("url.path", path)
            span.set_attribute("pilotlight.request_id", context.request_id)
            span.set_attribute("pilotlight.priority", context.priority)
            w3c.inject(outgoing, set_span_in_context(span))
            yield outgoing


def tracing_from_environment(environment: Mapping[str, str]) -> Tracing:
    """Tracing as the standard variables ask for it."""
    if not environment.get(ENDPOINT_VARIABLE):
        return NoTracing()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = environment.get("OTEL_SERVICE_NAME", SERVICE_NAME)
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OtlpTracing(provider.get_tracer("pilotlight.predictor"))
