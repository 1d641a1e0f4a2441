"""The shape of the documents that ``pilotlight local`` reads, as far as it uses them.

Sources: KServe ``pkg/apis/serving/v1beta1`` and ``v1alpha1``, Kubernetes ``core/v1``. A field of a
container that is not in its model is an error, so that a misspelt one is not dropped in silence;
elsewhere unknown fields are left to the cluster.
"""

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic.alias_generators import to_camel


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _null_means_unset(cls, content: object) -> object:
        if isinstance(content, dict):
            return {field: value for field, value in content.items() if value is not None}
        return content


class _ExactPart(_Part):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class KeyRef(_ExactPart):
    """A key of a ConfigMap or Secret."""

    name: str
    key: str
    optional: bool = False


class ValueFrom(_Part):
    """Where a variable's value comes from; other sources exist only in a cluster."""

    config_map_key_ref: KeyRef | None = None
    secret_key_ref: KeyRef | None = None


class EnvVar(_ExactPart):
    name: str
    value: str = ""
    value_from: ValueFrom | None = None


class ObjectRef(_ExactPart):
    """A whole ConfigMap or Secret."""

    name: str
    optional: bool = False


class EnvFrom(_ExactPart):
    """A variable for each key of an object."""

    prefix: str = ""
    config_map_ref: ObjectRef | None = None
    secret_ref: ObjectRef | None = None


class Port(_ExactPart):
    container_port: int = Field(ge=1, le=65535)
    name: str = ""
    protocol: str = "TCP"
    host_port: int | None = None
    host_ip: str = Field(default="", alias="hostIP")


class VolumeMount(_Part):
    name: str
    mount_path: str
    sub_path: str = ""


class Container(_ExactPart):
    """A container of a pod. What only a cluster can honour is accepted and not used."""

    name: str = ""
    image: str = ""
    command: list[str] = []
    args: list[str] = []
    working_dir: str | None = None
    ports: list[Port] = []
    env: list[EnvVar] = []
    env_from: list[EnvFrom] = []
    volume_mounts: list[VolumeMount] = []

    resources: JsonValue = None
    image_pull_policy: JsonValue = None
    lifecycle: JsonValue = None
    liveness_probe: JsonValue = None
    readiness_probe: JsonValue = None
    startup_probe: JsonValue = None
    resize_policy: JsonValue = None
    restart_policy: JsonValue = None
    security_context: JsonValue = None
    stdin: JsonValue = None
    stdin_once: JsonValue = None
    termination_message_path: JsonValue = None
    termination_message_policy: JsonValue = None
    tty: JsonValue = None
    volume_devices: JsonValue = None


class Claim(_Part):
    claim_name: str


class KeyToPath(_Part):
    """A key of an object as a file of a volume."""

    key: str
    path: str


class ConfigMapVolume(_Part):
    name: str
    items: list[KeyToPath] = []
    optional: bool = False


class SecretVolume(_Part):
    secret_name: str
    items: list[KeyToPath] = []
    optional: bool = False


class Volume(_Part):
    name: str
    persistent_volume_claim: Claim | None = None
    empty_dir: JsonValue = None
    host_path: JsonValue = None
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None


class ModelFormat(_Part):
    name: str
    version: str | None = None


class Model(Container):
    """``spec.predictor.model``: a container whose blanks a serving runtime fills."""

    model_format: ModelFormat
    runtime: str | None = None
    runtime_version: str | None = None
    protocol_version: str | None = None
    storage_uri: str | None = None
    storage: JsonValue = None


class Component(_Part):
    """A predictor or a transformer: a pod with one main container."""

    containers: list[Container] = []
    volumes: list[Volume] = []
    container_concurrency: int | None = None
    timeout: int | None = Field(default=None, description="Seconds that one request may take.")


class Predictor(Component):
    model: Model | None = None
    storage_uris: JsonValue = None
    worker_spec: JsonValue = None


class ServiceSpec(_Part):
    predictor: Predictor
    transformer: Component | None = None


class Metadata(_Part):
    name: str
    namespace: str = "default"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class KeptObject(_Part):
    """A ConfigMap or a Secret: texts by key, and bytes in base64."""

    metadata: Metadata
    data: dict[str, str] = {}
    string_data: dict[str, str] = {}
    binary_data: dict[str, str] = {}


class InferenceService(_Part):
    metadata: Metadata
    spec: ServiceSpec


class SupportedFormat(ModelFormat):
    auto_select: bool = False
    priority: int | None = None


class RuntimeSpec(_Part):
    containers: list[Container]
    volumes: list[Volume] = []
    supported_model_formats: list[SupportedFormat] = []
    protocol_versions: list[str] = []
    disabled: bool = False
    multi_model: bool = False


class ServingRuntime(_Part):
    metadata: Metadata
    spec: RuntimeSpec
