"""A fixture that sets a stage for a rollout that is carried out by the controller's process."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pilotlight.kube.access import ApiServer
from pilotlight_cluster.controlplane import ControlPlane
from tests.controlplane.canary.staging import Staged, staged
from tests.controlplane.canary.traffic import Manners

Play = Callable[..., Staged]


@pytest.fixture
def play(
    api: ApiServer,
    control_plane: ControlPlane,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Play]:
    """Set the stage, with a first version that has all of the traffic."""
    namespace = f"c-{hashlib.sha256(request.node.name.encode()).hexdigest()[:10]}"
    with ExitStack() as stack:

        def begin(bad: Manners | None = None, **spec: object) -> Staged:
            return stack.enter_context(
                staged(api, control_plane.kubeconfig, tmp_path, namespace, bad, spec)
            )

        yield begin
