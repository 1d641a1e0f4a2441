"""Pod fields that Knative takes only when it is told to, or never."""

from collections.abc import Iterable

from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.workload import Workload

NEVER = (
    "terminationGracePeriodSeconds", "restartPolicy", "activeDeadlineSeconds", "nodeName",
    "hostname", "subdomain", "priority", "readinessGates",
)  # fmt: skip

FLAGS = {
    "affinity": "kubernetes.podspec-affinity",
    "topologySpreadConstraints": "kubernetes.podspec-topologyspreadconstraints",
    "hostAliases": "kubernetes.podspec-hostaliases",
    "nodeSelector": "kubernetes.podspec-nodeselector",
    "runtimeClassName": "kubernetes.podspec-runtimeclassname",
    "tolerations": "kubernetes.podspec-tolerations",
    "securityContext": "kubernetes.podspec-securitycontext",
    "shareProcessNamespace": "kubernetes.podspec-shareprocessnamespace",
    "priorityClassName": "kubernetes.podspec-priorityclassname",
    "schedulerName": "kubernetes.podspec-schedulername",
    "initContainers": "kubernetes.podspec-init-containers",
    "dnsPolicy": "kubernetes.podspec-dnspolicy",
    "dnsConfig": "kubernetes.podspec-dnsconfig",
    "hostNetwork": "kubernetes.podspec-hostnetwork",
    "hostPID": "kubernetes.podspec-hostpid",
    "hostIPC": "kubernetes.podspec-hostipc",
}
VOLUMES = {
    "persistentVolumeClaim": "kubernetes.podspec-persistent-volume-claim",
    "hostPath": "kubernetes.podspec-volumes-hostpath",
    "csi": "kubernetes.podspec-volumes-csi",
    "image": "kubernetes.podspec-volumes-image",
}


class KnativeRefusesField:
    """Pod fields that Knative has no place for: its webhook refuses the service.

    Source: Knative ``PodSpecMask`` (``pkg/apis/serving/fieldmask.go``); empty values pass.
    """

    id = "knative-refuses-field"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        for name in NEVER if workload.mode.knative else ():
            place = workload.pod_field(name)
            if place.content:
                yield report.error(
                    place,
                    f"{name} is refused by Knative's webhook.{workload.mode.caveat}",
                    "remove it; the grace period follows from timeout"
                    if name == NEVER[0]
                    else "remove it, or use Standard mode",
                )


class KnativeFeatureNeeded:
    """Pod fields that Knative takes only with a flag in ``config-features``, off by default.

    Source: Knative ``defaultFeaturesConfig`` (``pkg/apis/config/features.go``). Information: only
    the cluster knows its flags; ``pilotlight cluster check`` reads them.
    """

    id = "knative-feature-needed"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        if not workload.mode.knative:
            return
        needed = [
            (workload.pod_field(name), name, flag)
            for name, flag in FLAGS.items()
            if workload.pod_field(name).content
        ]
        for layer in workload.pod:
            for volume in layer.at("volumes").items:
                needed += [
                    (volume.at(name), f"a {name} volume", flag)
                    for name, flag in VOLUMES.items()
                    if volume.at(name).given
                ]
        if needed:
            names = ", ".join(name for _, name, _ in needed)
            flags = ", ".join(sorted({flag for _, _, flag in needed}))
            yield report.info(
                needed[0][0],
                f"Knative refuses {names} unless a flag allows it.{workload.mode.caveat}",
                f"set to enabled in config-features of knative-serving: {flags}",
            )
