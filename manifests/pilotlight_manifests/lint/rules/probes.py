"""Probes that act while the model loads."""

from collections.abc import Iterable

from pilotlight_manifests.lint.engine import Server
from pilotlight_manifests.lint.field import Field
from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.rules import cold_start
from pilotlight_manifests.lint.workload import Workload

BARE_START_S = 20.0
"""What vLLM needs before it answers at all, without weights worth speaking of: importing torch and
vLLM and building an engine for 135M parameters took 23 s on two cores with everything cached
(docs/benchmarks.md, `coldstart`, plain)."""


class LivenessKillsLoading:
    """A liveness probe that fails, and so kills the container, while vLLM still loads.

    vLLM opens its port when the model is loaded; until then a probe is refused. Kubernetes restarts
    the container after initialDelaySeconds + periodSeconds x (failureThreshold - 1)
    (``pkg/kubelet/prober``), and the load begins anew. Pilotlight's predictor answers liveness from
    its first second, and a startupProbe holds liveness back: both are left out.
    """

    id = "liveness-kills-loading"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        probe = workload.container.field("livenessProbe")
        network = any(probe.at(kind).given for kind in ("httpGet", "tcpSocket", "grpc"))
        if workload.server is not Server.VLLM or not network:
            return
        elsewhere = not workload.complete and workload.component != "runtime"
        if elsewhere or workload.container.field("startupProbe").given:
            return
        start = cold_start.least(workload)
        needed = max(start.seconds if start else 0.0, BARE_START_S)
        given = _patience(probe)
        if given < needed:
            why = start.why if start and start.seconds > BARE_START_S else (
                f"vLLM takes {BARE_START_S:.0f} s without any weights"
            )  # fmt: skip
            yield report.warning(
                probe,
                f"the liveness probe kills the container after {given} s, while it loads: {why}.",
                "add a startupProbe on the same path with failureThreshold x periodSeconds above "
                "the slowest start",
            )


def _patience(probe: Field) -> int:
    """Seconds until the first kill; Kubernetes' defaults are 0, 10 and 3."""

    def number(name: str, default: int) -> int:
        given = probe.at(name).integer
        return default if given is None else given

    failures = max(number("failureThreshold", 3), 1)
    return number("initialDelaySeconds", 0) + number("periodSeconds", 10) * (failures - 1)
