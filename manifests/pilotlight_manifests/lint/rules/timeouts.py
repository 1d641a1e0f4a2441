"""How long a request may take, and how long a stopping pod has."""

from collections.abc import Iterable

from pilotlight_manifests.lint.engine import Server
from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.workload import Workload

DEFAULT_GRACE_S = 30
"""Kubernetes ``DefaultTerminationGracePeriodSeconds``."""


class TimeoutAboveMaximum:
    """A timeout above Knative's maximum: its webhook refuses the service that KServe writes.

    Source: Knative ``validateTimeoutSeconds`` (``pkg/apis/serving/v1/revision_validation.go``),
    ``DefaultMaxRevisionTimeoutSeconds`` (``pkg/apis/config/defaults.go``): 600.
    """

    id = "timeout-above-maximum"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        given, most = workload.scaling.timeout.integer, workload.options.max_timeout_s
        if workload.mode.knative and given is not None and given > most:
            yield report.error(
                workload.scaling.timeout,
                f"the timeout of {given} s is above Knative's maximum of {most} s "
                f"(max-revision-timeout-seconds): the service is refused.{workload.mode.caveat}",
                f"write {most} or less, or raise the maximum in config-defaults and say so with "
                "--max-timeout",
            )


class GraceShorterThanTimeout:
    """A pod that is killed before its longest stream may end.

    In Standard mode the grace period is the pod's own, 30 s by default (KServe
    ``setDefaultPodSpec``); in Knative mode it equals the timeout (Knative ``makePodSpec``,
    ``pkg/reconciler/revision/resources/deploy.go``).
    """

    id = "grace-shorter-than-timeout"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        timeout = workload.scaling.timeout.integer
        if workload.mode.standard and timeout is not None:
            period = workload.pod_field("terminationGracePeriodSeconds")
            grace = DEFAULT_GRACE_S if period.integer is None else period.integer
            if grace < timeout:
                yield report.warning(
                    period if period.given else workload.scaling.timeout,
                    f"a request may take {timeout} s, and a stopping pod is killed after {grace} "
                    "s: the longest answers break off at every scale-down and update."
                    f"{workload.mode.caveat}",
                    f"set terminationGracePeriodSeconds to {timeout} or more",
                )


class ServerGraceMismatch:
    """A server that gives its streams less time than the platform does, or believes it has more.

    Source: docs/predictor.md, ``--grace-period-s``; the pod's own time as in
    ``grace-shorter-than-timeout``.
    """

    id = "server-grace-mismatch"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        flag = workload.engine.flag("grace-period-s")
        own, timeout = flag.integer, workload.timeout_s
        if workload.server is not Server.PILOTLIGHT or own is None or timeout is None:
            return
        if not workload.mode.knative:
            return
        if own > timeout:
            yield report.warning(
                flag,
                f"--grace-period-s is {own} and the pod is killed after {timeout} s: "
                "what still runs then breaks off without a word.",
                f"write a little less than {timeout}",
            )
        elif own < timeout / 2:
            yield report.warning(
                flag,
                f"--grace-period-s is {own}, and a request may take {timeout} s: streams longer "
                f"than {own} s are cut although the pod has time for them.",
                f"write a little less than {timeout}",
            )
