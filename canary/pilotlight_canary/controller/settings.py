"""What the controller's process is told at its start."""

import socket
import uuid
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from pilotlight_canary.admission.runtimes import RuntimeEdits

Seconds = Annotated[float, Field(gt=0)]
Port = Annotated[int, Field(ge=0, le=65535)]


def _own_identity() -> str:
    # Another one with each start: a process that starts anew does not hold what the last one held.
    return f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"


class ControllerSettings(BaseSettings):
    """Settings of ``pilotlight rollout controller``, also from ``PILOTLIGHT_CONTROLLER_*``.

    Args:
        kubeconfig: By default ``$KUBECONFIG``, ``~/.kube/config``, or this pod's own cluster.
        context: By default the kubeconfig's current one.
        namespaces: Whose rollouts are carried out, separated by commas; none: everybody's.
        identity: Name of this process in the lease.
        lease_name: Of the Lease that the leader holds.
        lease_namespace: By default the one that the kubeconfig or the pod is in.
        lease_s: After so long without a sign of the leader another one takes over.
        renew_deadline_s: A leader that could not renew for so long ends itself.
        retry_s: Time between two attempts at the lease.
        host: Where all ports listen.
        port: Of /healthz, /readyz and /metrics; 0: any free one.
        admission_port: Of the admission webhooks, over TLS; absent: this process admits nothing.
        admission_secret: Secret with their certificate, in the namespace of the controller.
        admission_service: Their Service on port 443, in the same namespace.
        admission_url: Where the API server finds them, if not behind that Service:
            ``https://HOST:PORT``.
        account: The service account of this process.
        runtime_edits: What becomes of edits of runtimes that reach enrolled services untested.
        gateway: Address of the cluster's internal gateway, for a process outside of the cluster.
        prometheus: Where figures come from if a rollout names no ``metricsServer``.
        api_timeout_s: One call to the API server may take so long to connect, and to answer.
        look_timeout_s: After so long a look that is under way is reported as stuck.
        drain_s: After SIGTERM, for calls that are under way.
        threads: Looks that run at a time.
        log_level: The lowest level that is written.
        log_json: JSON lines, or lines for a person.
    """

    model_config = SettingsConfigDict(
        env_prefix="PILOTLIGHT_CONTROLLER_", frozen=True, extra="ignore"
    )

    kubeconfig: Path | None = None
    context: str | None = None
    namespaces: Annotated[tuple[str, ...], NoDecode] = ()
    identity: str = Field(default_factory=_own_identity)
    lease_name: str = "pilotlight-rollout-controller"
    lease_namespace: str = ""
    lease_s: Seconds = 15
    renew_deadline_s: Seconds = 10
    retry_s: Seconds = 2
    host: str = "0.0.0.0"  # noqa: S104
    port: Port = 8080
    admission_port: Port | None = None
    admission_secret: str = "pilotlight-rollout-webhook"  # noqa: S105
    admission_service: str = "pilotlight-rollout-webhook"
    admission_url: str = ""
    account: str = "pilotlight-rollout-controller"
    runtime_edits: RuntimeEdits = RuntimeEdits.REFUSE
    gateway: str = ""
    prometheus: str = ""
    api_timeout_s: Seconds = 5
    look_timeout_s: Seconds = 60
    drain_s: Seconds = 10
    threads: Annotated[int, Field(ge=1)] = 8
    log_level: str = "INFO"
    log_json: bool = True

    @field_validator("namespaces", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _leaves_a_margin(self) -> Self:
        if not self.retry_s < self.renew_deadline_s < self.lease_s:
            raise ValueError(
                f"retry_s ({self.retry_s:g}) must be shorter than renew_deadline_s "
                f"({self.renew_deadline_s:g}), and that shorter than lease_s ({self.lease_s:g}): "
                "or two processes could act at once"
            )
        return self
