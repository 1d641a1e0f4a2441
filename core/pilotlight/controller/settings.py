"""What every controller's process is told at its start."""

import socket
import uuid
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

Seconds = Annotated[float, Field(gt=0)]
Port = Annotated[int, Field(ge=0, le=65535)]


def _own_identity() -> str:
    # Another one with each start: a process that starts anew does not hold what the last one held.
    return f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"


class ProcessSettings(BaseSettings):
    """Where the cluster is, who leads, and where it is answered.

    Args:
        kubeconfig: By default ``$KUBECONFIG``, ``~/.kube/config``, or this pod's own cluster.
        context: By default the kubeconfig's current one.
        namespaces: Whose objects are looked after, separated by commas; none: everybody's.
        identity: Name of this process in the lease.
        lease_name: Of the Lease that the leader holds.
        lease_namespace: By default the one that the kubeconfig or the pod is in.
        lease_s: After so long without a sign of the leader another one takes over.
        renew_deadline_s: A leader that could not renew for so long ends itself.
        retry_s: Time between two attempts at the lease.
        host: Where all ports listen.
        port: Of /healthz, /readyz and /metrics; 0: any free one.
        api_timeout_s: One call to the API server may take so long to connect, and to answer.
        look_timeout_s: After so long a look that is under way is reported as stuck.
        drain_s: After SIGTERM, for calls that are under way.
        threads: Looks that run at a time.
        log_level: The lowest level that is written.
        log_json: JSON lines, or lines for a person.
    """

    kubeconfig: Path | None = None
    context: str | None = None
    namespaces: Annotated[tuple[str, ...], NoDecode] = ()
    identity: str = Field(default_factory=_own_identity)
    lease_name: str
    lease_namespace: str = ""
    lease_s: Seconds = 15
    renew_deadline_s: Seconds = 10
    retry_s: Seconds = 2
    host: str = "0.0.0.0"  # noqa: S104
    port: Port = 8080
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
