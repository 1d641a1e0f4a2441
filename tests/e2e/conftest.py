"""The cluster, namespaces in it, and what a failure shows.

The cluster of ``pilotlight cluster up`` is started if it is down, and then taken down at the end,
also when tests fail; one that runs already is used and left running.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import local_cluster
from tests.e2e.breakdown import SHOWN
from tests.e2e.evidence import collect
from tests.e2e.footprint import Footprint, footprint
from tests.e2e.local_cluster import LocalCluster
from tests.e2e.workspace import Workspace

HERE = Path(__file__).parent
TIMEOUT_S = 600
INSTALLED_S = 600.0
# The rest is in between. gRPC comes when the first engine has made room; faults come late, since
# they hurt everybody, and the cluster's end last.
FIRST = ("test_dry_run.py", "test_observability.py", "test_real_engine.py")
LAST = (
    "test_good_version.py",
    "test_bad_versions.py",
    "test_both_components.py",
    "test_transformer.py",
    "test_nonsense.py",
    "test_chaos.py",
    "test_simulator.py",
    "test_warm_floors.py",
    "test_warm_ahead.py",
    "test_warm_standard.py",
    "test_warm_failsafe.py",
    "test_real_grpc.py",
    "test_faults.py",
    "test_lifecycle.py",
    "test_down.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mine = [item for item in items if item.path.is_relative_to(HERE)]
    for item in mine:
        item.add_marker(pytest.mark.e2e)
        # Fixtures have deadlines of their own: the first one may build the cluster's binaries.
        item.add_marker(pytest.mark.timeout(TIMEOUT_S, func_only=True))
    in_order = iter(sorted(mine, key=lambda item: _rank(item.path.name)))
    places = set(mine)
    items[:] = [next(in_order) if item in places else item for item in items]


def _rank(file: str) -> int:
    if file in LAST:
        return len(FIRST) + 1 + LAST.index(file)
    return FIRST.index(file) if file in FIRST else len(FIRST)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]  # what a hook wrapper gets
    workspace = getattr(item, "funcargs", {}).get("workspace")
    if report.failed and isinstance(workspace, Workspace):
        shown = collect(workspace.cluster, workspace.namespace)
        report.sections.append((f"namespace {workspace.namespace}", shown))
    return report  # type: ignore[return-value]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash.get(SHOWN, []):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def started_here() -> bool:
    """Whether this session starts the cluster, and so may end it."""
    return not local_cluster.read_status()["running"]


@pytest.fixture(scope="session")
def footprint_before(started_here: bool) -> Footprint:
    """What was on the machine before this session started the cluster."""
    return footprint()


@pytest.fixture(scope="session")
def cluster(started_here: bool, footprint_before: Footprint) -> Iterator[LocalCluster]:
    """The running cluster."""
    status = local_cluster.read_status()
    whole = status["running"] and all(part["healthy"] for part in status["components"])
    try:
        yield LocalCluster(status) if whole else local_cluster.up()
    finally:
        if started_here:
            local_cluster.run("down", timeout_s=300)


@pytest.fixture(scope="module")
def workspace(cluster: LocalCluster) -> Iterator[Workspace]:
    """A namespace for a file of tests, deleted after them."""
    name = f"e2e-{uuid.uuid4().hex[:6]}"
    cluster.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    workspace = Workspace(cluster, name)
    yield workspace
    workspace.delete()


@pytest.fixture(scope="session")
def controllers(cluster: LocalCluster) -> None:
    """``pilotlight cluster install controller``: two replicas of each, of which one acts."""
    local_cluster.run("install", "controller", timeout_s=INSTALLED_S)
