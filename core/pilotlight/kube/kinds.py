"""The kinds that Pilotlight reads and writes."""

from pilotlight.kube.document import Kind

NAMESPACE = Kind("v1", "Namespace")
CONFIG_MAP = Kind("v1", "ConfigMap")
SECRET = Kind("v1", "Secret")
SERVICE = Kind("v1", "Service")
POD = Kind("v1", "Pod")
NODE = Kind("v1", "Node")
RESOURCE_QUOTA = Kind("v1", "ResourceQuota")
EVENT = Kind("v1", "Event")
DEPLOYMENT = Kind("apps/v1", "Deployment")
LEASE = Kind("coordination.k8s.io/v1", "Lease")
CUSTOM_RESOURCE = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition")
MUTATING_WEBHOOK = Kind("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration")
VALIDATING_WEBHOOK = Kind("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration")

INFERENCE_SERVICE = Kind("serving.kserve.io/v1beta1", "InferenceService")
SERVING_RUNTIME = Kind("serving.kserve.io/v1alpha1", "ServingRuntime")
CLUSTER_SERVING_RUNTIME = Kind("serving.kserve.io/v1alpha1", "ClusterServingRuntime")

KNATIVE_SERVICE = Kind("serving.knative.dev/v1", "Service")
CONFIGURATION = Kind("serving.knative.dev/v1", "Configuration")
REVISION = Kind("serving.knative.dev/v1", "Revision")
ROUTE = Kind("serving.knative.dev/v1", "Route")
POD_AUTOSCALER = Kind("autoscaling.internal.knative.dev/v1alpha1", "PodAutoscaler")
INGRESS = Kind("networking.internal.knative.dev/v1alpha1", "Ingress")

INFERENCE_ROLLOUT = Kind("pilotlight.dev/v1alpha1", "InferenceRollout")
WARM_POOL = Kind("pilotlight.dev/v1alpha1", "WarmPool")

SCALED_OBJECT = Kind("keda.sh/v1alpha1", "ScaledObject")

POD_MONITOR = Kind("monitoring.coreos.com/v1", "PodMonitor")
SERVICE_MONITOR = Kind("monitoring.coreos.com/v1", "ServiceMonitor")
PROMETHEUS_RULE = Kind("monitoring.coreos.com/v1", "PrometheusRule")
