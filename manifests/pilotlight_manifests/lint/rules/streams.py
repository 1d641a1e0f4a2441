"""Answers that do not arrive whole."""

from collections.abc import Iterable

from pilotlight_manifests.lint.engine import Engine
from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.workload import Workload

FULL_DUPLEX = "features.knative.dev/http-full-duplex"
GENERATION = {
    "task": ("auto", "generate", "text_generation", "text2text_generation"),
    "runner": ("auto", "generate"),
}
"""Arguments of KServe's Hugging Face server (``huggingfaceserver/task.py``) and of vLLM, and the
values with which they stream; other tasks answer at once."""


class StreamsMayBeCut:
    """A stream that one of Knative's proxies may cut in its middle, with status 200.

    Go's HTTP/1 server closes a request's body when the answer begins. The proxy's transport, which
    may be about to read the end of that body, then fails and closes the connection to the server
    that is still answering (golang/go#40747). Activator and queue-proxy are such proxies; the
    annotation makes both keep the body open (Knative ``WrapActivatorHandlerWithFullDuplex``,
    ``pkg/activator/handler/handler.go``, and ``withFullDuplex``,
    ``pkg/queue/sharedmain/handlers.go``). Over HTTP/2, a port named h2c, it always stays open.
    """

    id = "streams-may-be-cut"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        # A runtime elsewhere may bring the annotation.
        if not workload.mode.knative or not workload.complete or not _streams(workload):
            return
        given = workload.annotations.get(FULL_DUPLEX)
        if given is None or (given.text or "").lower() != "enabled":
            yield report.info(
                given or workload.spec,
                "activator and queue-proxy now and then cut an answer in its middle, with status "
                "200: 15 of 900,000 in a measurement, and none with full duplex."
                f"{workload.mode.caveat}",
                f"set the annotation {FULL_DUPLEX}: Enabled in {_place(workload)}",
            )


def _streams(workload: Workload) -> bool:
    http2 = any(name == "h2c" for name, _ in workload.container.field("ports").named())
    return workload.server.streams and _generates(workload.engine) and not http2


def _generates(engine: Engine) -> bool:
    return all(
        (engine.flag(name).text or values[0]).lower() in values
        for name, values in GENERATION.items()
    )


def _place(workload: Workload) -> str:
    if workload.component == "service":
        return "spec.template.metadata.annotations"
    return f"spec.{workload.component}.annotations"
