"""Which Lease tells whether the controller lives."""

from typing import Annotated, TypeAlias

import typer

LeaseName: TypeAlias = Annotated[
    str | None,
    typer.Option(envvar="PILOTLIGHT_WARMPOOL_LEASE_NAME", help="Of the controller's Lease."),
]
"""By default the installation's own (``controller.settings.LEASE``)."""
