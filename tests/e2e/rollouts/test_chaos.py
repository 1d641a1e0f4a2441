"""Whoever dies in the middle of a rollout, its end is right."""

import time

import pytest

from pilotlight.api.rollout_status import Phase
from pilotlight_canary.policy.stepping import NO_FIGURES
from tests.e2e import local_cluster
from tests.e2e.leader import Leader
from tests.e2e.rollouts.watched import OVER, Watched
from tests.e2e.traffic import Load, Traffic, lost, versions
from tests.e2e.waiting import until
from tests.e2e.workspace import Workspace

LEASE = "pilotlight-rollout-controller"
OVER_S = 420.0
BLIND_S = 60.0
"""Half a minute without figures may be a scrape that was missed."""
# Golden prompts, so that the offline gate is a phase of its own.
GOOD = (Phase.HELD, Phase.WARMING, Phase.GATING, Phase.PROGRESSING, Phase.PROMOTING, Phase.WATCHING)


@pytest.fixture(scope="module")
def leader(workspace: Workspace, controllers: None) -> Leader:
    return Leader(workspace.cluster, LEASE)


def test_killed_in_each_phase_of_a_good_rollout_it_is_promoted(
    workspace: Workspace, leader: Leader
) -> None:
    watched = Watched(workspace, "killed")
    endpoint = watched.deploy(**watched.golden_prompts())
    killed = []
    with Traffic(endpoint, Load(rate=20)) as traffic:
        watched.change("2", weights="1")
        for phase in GOOD:
            watched.wait(phase, OVER_S)
            before = leader.kill()
            killed.append(phase)
            leader.replaced(before)
        over = watched.wait(OVER, OVER_S)
    assert over.phase is Phase.SUCCEEDED, over.reason
    assert killed == list(GOOD)
    assert not lost(traffic.exchanges), [str(each) for each in lost(traffic.exchanges)][:5]
    newest = sorted(traffic.exchanges, key=lambda each: each.sent)[-20:]
    assert versions(newest) == {"2": 20}


def test_killed_while_it_takes_a_version_back_stable_has_all_traffic(
    workspace: Workspace, leader: Leader
) -> None:
    watched = Watched(workspace, "killed")
    with Traffic(watched.endpoint(), Load(rate=20)) as traffic:
        watched.change("3", weights="1", fail_share=0.3)
        watched.wait(Phase.ROLLING_BACK, OVER_S)
        leader.replaced(leader.kill())
        over = watched.wait(OVER, OVER_S)
        time.sleep(2)
    assert over.phase is Phase.ROLLED_BACK, over.reason
    newest = sorted(traffic.exchanges, key=lambda each: each.sent)[-20:]
    assert versions(newest) == {"2": 20}


def test_without_prometheus_it_holds_and_says_so_and_goes_on_afterwards(
    workspace: Workspace, controllers: None
) -> None:
    watched = Watched(workspace, "blind")
    endpoint = watched.deploy()
    with Traffic(endpoint, Load(rate=20)):
        watched.change("2")
        watched.wait(Phase.PROGRESSING, OVER_S)
        with local_cluster.without(workspace.cluster, "prometheus"):
            until("it says so", lambda: NO_FIGURES in watched.status().reason, BLIND_S)
            blind = watched.status()
            assert blind.phase is Phase.PROGRESSING
            assert blind.weight <= 20
            assert "prometheus" in blind.reason.lower() or "metrics" in blind.reason.lower()
        over = watched.wait(OVER, OVER_S)
    assert over.phase is Phase.SUCCEEDED, over.reason


def test_with_the_api_server_restarted_the_rollout_goes_on(
    workspace: Workspace, controllers: None
) -> None:
    watched = Watched(workspace, "blind")
    with Traffic(watched.endpoint(), Load(rate=20)) as traffic:
        watched.change("3")
        watched.wait(Phase.PROGRESSING, OVER_S)
        with local_cluster.without(workspace.cluster, "kube-apiserver"):
            time.sleep(5)
        over = watched.wait(OVER, OVER_S)
    assert over.phase is Phase.SUCCEEDED, over.reason
    assert not lost(traffic.exchanges), [str(each) for each in lost(traffic.exchanges)][:5]
