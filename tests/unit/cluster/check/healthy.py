"""An observation of a cluster that has everything."""

from pilotlight_cluster.check import parts
from pilotlight_cluster.check.observation import Look, Observation, Webhook, Workload

KOURIER = parts.GATEWAYS[0]


def ready(version: str = "1.21.1", image: str = "i", grace_s: int = 600) -> Look[Workload]:
    return Look(Workload(1, 1, version, (image,), grace_s))


HEALTHY = Observation(
    server="https://192.0.2.1:6443",
    kubectl="kubectl",
    kubernetes="v1.34.4",
    namespace="models",
    reader="jane",
    user="jane",
    kserve_namespace="kserve",
    kinds=frozenset(parts.KINDS),
    namespaces={"knative-serving": Look({}), "kserve": Look({}), "models": Look({})},
    config={
        "config-autoscaler": Look({}),
        "config-defaults": Look({}),
        "config-deployment": Look({"pod-is-always-schedulable": "true"}),
        "config-domain": Look({"example.org": ""}),
        "config-features": Look(
            {
                f"kubernetes.podspec-{name}": "enabled"
                for name in (
                    "persistent-volume-claim",
                    "nodeselector",
                    "tolerations",
                    "affinity",
                    "topologyspreadconstraints",
                    "priorityclassname",
                    "runtimeclassname",
                    "schedulername",
                    "securitycontext",
                )
            }
        ),
        "config-network": Look({"ingress-class": KOURIER.ingress_class}),
        "config-observability": Look(
            {"metrics-protocol": "prometheus", "request-metrics-protocol": "prometheus"}
        ),
        "inferenceservice-config": Look(
            {
                "deploy": '{"defaultDeploymentMode": "Knative"}',
                "ingress": '{"disableIstioVirtualHost": true}',
            }
        ),
    },
    workloads={f"knative-serving/{name}": ready() for name in parts.SERVING_WORKLOADS}
    | {
        "kserve/kserve-controller-manager": ready("", "docker.io/kserve/kserve-controller:v0.20.0"),
        "knative-serving/net-kourier-controller": ready(),
        "kourier-system/3scale-kourier-gateway": ready(),
        "knative-serving/3scale-kourier-gateway": Look(),
    },
    services={"kourier-system/kourier": Look(True), "knative-serving/kourier": Look()},
    webhooks={
        f"{kind.name}/{name}": Look((Webhook("w", trusted=True, namespace="kserve"),))
        for kind, name in (*parts.KNATIVE_WEBHOOKS, *parts.KSERVE_WEBHOOKS)
    },
)
