"""What the controller's process is told at its start."""

from pydantic_settings import SettingsConfigDict

from pilotlight.controller.settings import ProcessSettings

LEASE = "pilotlight-warmpool-controller"


class WarmPoolSettings(ProcessSettings):
    """Settings of ``pilotlight warmpool controller``, also from ``PILOTLIGHT_WARMPOOL_*``.

    Args:
        prometheus: Where figures come from if a pool names no ``metricsServer``; without any
            the pods are asked.
    """

    model_config = SettingsConfigDict(
        env_prefix="PILOTLIGHT_WARMPOOL_", frozen=True, extra="ignore"
    )

    lease_name: str = LEASE
    prometheus: str = ""
