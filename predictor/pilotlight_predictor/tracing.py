"""OpenTelemetry traces, when ``OTEL_EXPORTER_OTLP_ENDPOINT`` asks for them."""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pilotlight.errors import UsageError
from pilotlight_predictor.request import REQUEST_ID_HEADER, RequestContext

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

SERVICE_NAME = "pilotlight-predictor"
HTTP = "http/protobuf"
GRPC = "grpc"
FLUSH_MS = 3000


@dataclass(frozen=True, slots=True)
class Exporter:
    """Where spans go, and how (OpenTelemetry's OTLP exporter specification)."""

    endpoint: str
    protocol: str

    def export(self, environment: MutableMapping[str, str]) -> None:
        """Tell vLLM, which makes the exporter, by the variables that it reads."""
        environment["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = self.protocol
        environment.setdefault("OTEL_SERVICE_NAME", SERVICE_NAME)


def exporter_from_environment(environment: Mapping[str, str]) -> Exporter | None:
    """The exporter that the standard variables ask for, if they do.

    Raises:
        UsageError: They name a protocol that there is no exporter for.
    """
    protocol = (
        environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
        or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        or HTTP
    )
    if protocol not in {HTTP, GRPC}:
        raise UsageError(f"OTEL_EXPORTER_OTLP_PROTOCOL: {protocol!r} is neither {HTTP} nor {GRPC}")
    whole = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    base = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if whole:
        return Exporter(whole, protocol)
    if not base:
        return None
    return Exporter(base if protocol == GRPC else base.rstrip("/") + "/v1/traces", protocol)


class Tracing(Protocol):
    """Wraps a request in a span; gives the headers that the engine's spans hang from."""

    def server_span(
        self, path: str, headers: Mapping[str, str], context: RequestContext
    ) -> AbstractContextManager[dict[str, str]]: ...

    def close(self) -> None:
        """Send what has not been sent yet."""
        ...


class NoTracing:
    """No endpoint is set: headers pass as they are."""

    def server_span(
        self, path: str, headers: Mapping[str, str], context: RequestContext
    ) -> AbstractContextManager[dict[str, str]]:
        return nullcontext({**headers, REQUEST_ID_HEADER: context.request_id})

    def close(self) -> None:
        """There is nothing to send."""


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

    def close(self) -> None:
        """Send the spans that wait for their batch to fill."""
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider

        provider = trace.get_tracer_provider()
        if isinstance(provider, TracerProvider):
            provider.force_flush(FLUSH_MS)


def open_tracing(exporter: Exporter | None) -> Tracing:
    """Tracing through the provider that vLLM has made for the exporter."""
    if exporter is None:
        return NoTracing()
    from opentelemetry import trace

    return OtlpTracing(trace.get_tracer("pilotlight.predictor"))
