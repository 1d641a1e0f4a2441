"""Traces: the caller's context goes through us to vLLM's own spans."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.engine.predictor_process import MODEL_NAME, launched

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER_SPAN = "00f067aa0ba902b7"


@dataclass
class Collector:
    """What an OTLP collector has received."""

    port: int
    spans: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                    self.spans.setdefault(span.name, []).append(ids)


@contextmanager
def collecting() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_callers_trace_reaches_the_engines_span(model: Path, tmp_path: Path) -> None:
    with collecting() as collector:
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}"}
        with launched(model, tmp_path, environment=environment) as predictor:
            predictor.wait_ready()
            body = {"model": MODEL_NAME, "prompt": "Hello", "max_tokens": 2}
            traceparent = f"00-{TRACE_ID}-{CALLER_SPAN}-01"
            answer = predictor.post("/v1/completions", body, {"traceparent": traceparent})
            assert answer.status_code == 200
            predictor.terminate()
            assert predictor.wait() == 0, predictor.tail()
    ours = [span for span in collector.spans["predictor.request"] if span[0] == TRACE_ID]
    assert [span[2] for span in ours] == [CALLER_SPAN]
    engine = [span for span in collector.spans["llm_request"] if span[0] == TRACE_ID]
    assert [span[2] for span in engine] == [ours[0][1]]
