"""Where Knative, KServe and their gateways keep what the check looks at."""

from collections.abc import Mapping
from dataclasses import dataclass

from pilotlight.kube import kinds

SERVING = "knative-serving"
KSERVE = "kserve"
KSERVE_CONFIG = "inferenceservice-config"
KSERVE_CONTROLLER = "kserve-controller-manager"

CONFIG_MAPS = (
    "config-autoscaler",
    "config-defaults",
    "config-deployment",
    "config-domain",
    "config-features",
    "config-network",
    "config-observability",
)
SERVING_WORKLOADS = ("activator", "autoscaler", "controller", "webhook")

KNATIVE_WEBHOOKS = (
    (kinds.MUTATING_WEBHOOK, "webhook.serving.knative.dev"),
    (kinds.VALIDATING_WEBHOOK, "validation.webhook.serving.knative.dev"),
    (kinds.VALIDATING_WEBHOOK, "config.webhook.serving.knative.dev"),
)
KSERVE_WEBHOOKS = (
    (kinds.MUTATING_WEBHOOK, "inferenceservice.serving.kserve.io"),
    (kinds.VALIDATING_WEBHOOK, "inferenceservice.serving.kserve.io"),
    (kinds.VALIDATING_WEBHOOK, "servingruntime.serving.kserve.io"),
    (kinds.VALIDATING_WEBHOOK, "clusterservingruntime.serving.kserve.io"),
)

KNATIVE_KINDS = (
    kinds.KNATIVE_SERVICE,
    kinds.CONFIGURATION,
    kinds.REVISION,
    kinds.ROUTE,
    kinds.POD_AUTOSCALER,
    kinds.INGRESS,
)
KSERVE_KINDS = (kinds.INFERENCE_SERVICE, kinds.SERVING_RUNTIME, kinds.CLUSTER_SERVING_RUNTIME)
PILOTLIGHT_KINDS = (kinds.INFERENCE_ROLLOUT, kinds.WARM_POOL)
PROMETHEUS_KINDS = (kinds.POD_MONITOR, kinds.SERVICE_MONITOR, kinds.PROMETHEUS_RULE)
KINDS = (*KNATIVE_KINDS, *KSERVE_KINDS, *PILOTLIGHT_KINDS, *PROMETHEUS_KINDS)


@dataclass(frozen=True)
class Gateway:
    """What implements Knative's ingress, for one ingress class.

    Attributes:
        controller: The deployment that programs the gateway.
        proxies: Deployments that carry the traffic; one of them is enough, because the place
            depends on how it was installed. Empty where nothing fixed can be said.
        services: The services in front of them, in the same way.
    """

    name: str
    ingress_class: str
    controller: str
    proxies: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


GATEWAYS = (
    Gateway(
        "Kourier",
        "kourier.ingress.networking.knative.dev",
        f"{SERVING}/net-kourier-controller",
        ("kourier-system/3scale-kourier-gateway", f"{SERVING}/3scale-kourier-gateway"),
        ("kourier-system/kourier", f"{SERVING}/kourier"),
    ),
    Gateway(
        "Istio",
        "istio.ingress.networking.knative.dev",
        f"{SERVING}/net-istio-controller",
        ("istio-system/istio-ingressgateway", "istio-ingress/istio-ingress"),
        ("istio-system/istio-ingressgateway", "istio-ingress/istio-ingress"),
    ),
    Gateway(
        "Contour",
        "contour.ingress.networking.knative.dev",
        f"{SERVING}/net-contour-controller",
        ("contour-external/contour",),
        ("contour-external/envoy",),
    ),
    Gateway(
        "Gateway API",
        "gateway-api.ingress.networking.knative.dev",
        f"{SERVING}/net-gateway-api-controller",
    ),
)
# Knative's own choice where config-network names none (networking/pkg/config).
DEFAULT_INGRESS_CLASS = "istio.ingress.networking.knative.dev"


def gateway_of(config_network: Mapping[str, str]) -> Gateway | str:
    """The gateway that Knative is told to use, or its ingress class if it is an unknown one."""
    # Both spellings count (networking/pkg/config/config.go).
    wanted = (
        config_network.get("ingress-class")
        or config_network.get("ingress.class")
        or DEFAULT_INGRESS_CLASS
    )
    return next((known for known in GATEWAYS if known.ingress_class == wanted), wanted)
