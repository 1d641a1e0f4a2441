"""A good version goes from 0 to 100 % under load, and nobody notices."""

import pytest

from pilotlight.api.rollout_status import Phase
from pilotlight.kube.document import Document
from pilotlight.kube.kinds import ROUTE
from tests.e2e.rollouts.watched import OVER, Watched
from tests.e2e.traffic import Load, Traffic, lost, versions
from tests.e2e.waiting import until
from tests.e2e.workspace import Workspace

PROMOTED_S = 300.0
GONE_S = 20.0


@pytest.fixture(scope="module")
def good(workspace: Workspace, controllers: None) -> Watched:
    return Watched(workspace, "good")


def test_a_good_version_is_promoted_and_no_request_is_lost(good: Watched) -> None:
    endpoint = good.deploy()
    with Traffic(endpoint, Load(rate=25)) as traffic:
        good.change("2")
        promoting = good.wait(Phase.WATCHING, PROMOTED_S)
        over = good.wait(OVER, 60)
    assert over.phase is Phase.SUCCEEDED, over.reason
    assert not lost(traffic.exchanges), [str(each) for each in lost(traffic.exchanges)][:5]
    seen = versions(traffic.exchanges)
    assert seen["1"], seen
    assert seen["2"], seen
    newest = sorted(traffic.exchanges, key=lambda each: each.sent)[-20:]
    assert versions(newest) == {"2": 20}
    assert promoting.canary_revision == over.history[-1].revision


def test_afterwards_routes_and_floors_are_gone(good: Watched) -> None:
    status = good.status()
    assert status.phase is Phase.SUCCEEDED
    assert not status.floors
    until("the Routes are gone", lambda: not routes(good), GONE_S)


def routes(good: Watched) -> list[Document]:
    """The Routes that lead to one version each."""
    return good.workspace.cluster.api.list(
        ROUTE, good.workspace.namespace, labels="pilotlight.dev/rollout=good"
    )
