"""What the controller's process is told at its start."""

from pydantic_settings import SettingsConfigDict

from pilotlight.controller.settings import Port, ProcessSettings
from pilotlight_canary.admission.runtimes import RuntimeEdits


class ControllerSettings(ProcessSettings):
    """Settings of ``pilotlight rollout controller``, also from ``PILOTLIGHT_CONTROLLER_*``.

    Args:
        admission_port: Of the admission webhooks, over TLS; absent: this process admits nothing.
        admission_secret: Secret with their certificate, in the namespace of the controller.
        admission_service: Their Service on port 443, in the same namespace.
        admission_url: Where the API server finds them, if not behind that Service:
            ``https://HOST:PORT``.
        account: The service account of this process.
        runtime_edits: What becomes of edits of runtimes that reach enrolled services untested.
        gateway: Address of the cluster's internal gateway, for a process outside of the cluster.
        prometheus: Where figures come from if a rollout names no ``metricsServer``.
    """

    model_config = SettingsConfigDict(
        env_prefix="PILOTLIGHT_CONTROLLER_", frozen=True, extra="ignore"
    )

    lease_name: str = "pilotlight-rollout-controller"
    admission_port: Port | None = None
    admission_secret: str = "pilotlight-rollout-webhook"  # noqa: S105
    admission_service: str = "pilotlight-rollout-webhook"
    admission_url: str = ""
    account: str = "pilotlight-rollout-controller"
    runtime_edits: RuntimeEdits = RuntimeEdits.REFUSE
    gateway: str = ""
    prometheus: str = ""
