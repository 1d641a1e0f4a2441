"""A predictor that can be asked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One upstream, as the forwarder addresses it.

    Attributes:
        name: In metrics, breakers and the audit.
        host: To connect to.
        port: To connect to.
        authority: Value of the header ``host``; Knative routes by it. Empty: ``host`` and port.
        model: The name under which this upstream knows the model; ``None``: as it was asked.
    """

    name: str
    host: str
    port: int = 80
    authority: str = ""
    model: str | None = None

    @property
    def host_header(self) -> str:
        """What the header ``host`` says."""
        if self.authority:
            return self.authority
        return self.host if self.port == 80 else f"{self.host}:{self.port}"
