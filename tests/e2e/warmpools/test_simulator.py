"""The simulator against the cluster: the same arrivals, the same replicas within one tick."""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from pilotlight.floors.bounds import MIN_SCALE
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import CONFIG_MAP, DEPLOYMENT
from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.kpa.annotations import settings_of
from pilotlight_autoscaler.kpa.settings import KpaSettings
from pilotlight_autoscaler.simulation.outcome import Course, Outcome, course_of
from pilotlight_autoscaler.simulation.policy import Seen as SeenByPolicy
from pilotlight_autoscaler.simulation.policy import Wish
from pilotlight_autoscaler.simulation.run import simulate
from pilotlight_autoscaler.simulation.service import Phases, ServiceModel
from tests.e2e.gateway import Endpoint
from tests.e2e.standin.service import StandInService
from tests.e2e.waiting import until
from tests.e2e.warmpools.scaling import POLL_S, TICK_S, Seen, Watch, annotations_of
from tests.e2e.warmpools.scenarios import COURSE_S, SCENARIOS, TOKEN_S, Scenario, Sent, play
from tests.e2e.warmpools.warmed import Warmed
from tests.e2e.workspace import Workspace

SLACK_S = TICK_S + 4 * POLL_S
"""One tick, and what polling blurs."""
STEP_S = 0.25
APART_S = 20.0
AGREED = 0.98
"""Of the time; the rest is what the cluster's own jitter moves across a tick's edge."""
PHASES_S = tuple(0.0625 + 0.125 * index for index in range(8))
"""Where in its second the activator may report, which is the same for all, and where a revision's
pods may be read, which is its own (each collection has a ticker): nothing tells either."""


@dataclass(frozen=True)
class Played:
    """One scenario on the cluster.

    Args:
        stretch: Requests take so much longer than they should, on this machine.
    """

    scenario: Scenario
    begin_s: float
    sent: Sent
    seen: Seen
    settings: KpaSettings
    stretch: float


@pytest.fixture(scope="module")
def played(workspace: Workspace) -> dict[str, Played]:
    """All scenarios; each begins a little after the one before, so that its starts are its own."""
    endpoints = {each.name: _deploy(workspace, each) for each in SCENARIOS}
    _until_asleep(workspace)
    revisions = {each.name: workspace.latest_revision(each.name) for each in SCENARIOS}
    sent = {each.name: Sent() for each in SCENARIOS}
    settings = {each.name: _settings(workspace, each.name) for each in SCENARIOS}
    with Watch(workspace.cluster.api, workspace.namespace, list(revisions.values())) as watch:
        time.sleep(2)
        begin_s = time.time() + 1
        begins = {each.name: begin_s + APART_S * index for index, each in enumerate(SCENARIOS)}
        threads = [
            threading.Thread(
                target=_act, args=(workspace, each, endpoints, begins[each.name], sent[each.name])
            )
            for each in SCENARIOS
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(COURSE_S + 90)
        time.sleep(max(0.0, max(begins.values()) + COURSE_S - time.time()))
    stretch = _stretch([(each, sent[each.name]) for each in SCENARIOS])
    return {
        each.name: Played(
            each,
            begins[each.name],
            sent[each.name],
            watch.seen[revisions[each.name]],
            settings[each.name],
            stretch,
        )
        for each in SCENARIOS
    }


@pytest.fixture(scope="module")
def report_s(played: dict[str, Played]) -> float:
    """The activator's phase, by all scenarios but the last."""
    known = [played[each.name] for each in SCENARIOS[:-1]]
    return max(PHASES_S, key=lambda phase: sum(_agreement(one, phase)[0] for one in known))


@pytest.mark.parametrize("name", [scenario.name for scenario in SCENARIOS])
def test_replicas_are_the_same_within_one_tick(
    played: dict[str, Played], report_s: float, name: str
) -> None:
    one = played[name]
    assert not one.sent.failed
    assert len(one.sent.at) == len(one.scenario.offsets_s)
    assert one.seen.starts, "nothing ever started"
    agreed, told = _agreement(one, report_s)
    assert agreed >= AGREED, told


def _agreement(one: Played, report_s: float) -> tuple[float, str]:
    """For how much of the time the cluster has as many replicas as the simulator, and both.

    Of the phases in which its pods may be read, the one that fits best.
    """
    return max(
        (
            _agreement_at(one, Phases(report_s, scrape_s, one.seen.tick_s()))
            for scrape_s in PHASES_S
        ),
        key=lambda found: found[0],
    )


def _agreement_at(one: Played, phases: Phases) -> tuple[float, str]:
    simulated = _simulated(one, phases)
    real = Course(*(np.array(part) for part in zip(*one.seen.wanted, strict=True)))
    moments = np.arange(one.begin_s, one.begin_s + COURSE_S - SLACK_S, STEP_S)
    agreed = float(np.mean([_agree(real, simulated, at) for at in moments.tolist()]))
    return agreed, f"report at {phases.report_s}, {_told(one, real, simulated)}"


def _stretch(sent: Sequence[tuple[Scenario, Sent]]) -> float:
    """Of requests that waited for nothing, who are more than a fifth."""
    shares = [
        took_s / (scenario.tokens * TOKEN_S) for scenario, each in sent for took_s in each.took_s
    ]
    return float(np.quantile(shares, 0.2))


def _deploy(workspace: Workspace, scenario: Scenario) -> Endpoint:
    service = StandInService(
        scenario.name,
        {"token_s": TOKEN_S, "first_token_s": TOKEN_S},
        max_replicas=scenario.max_scale,
        scale_target=scenario.target,
        annotations=scenario.annotations,
    )
    return workspace.deploy(service)


def _until_asleep(workspace: Workspace) -> None:
    """Nothing is wanted of any of them."""

    def asleep() -> bool:
        deployments = workspace.cluster.api.list(DEPLOYMENT, workspace.namespace)
        wanted = [deployment["spec"].get("replicas") or 0 for deployment in deployments]
        return len(wanted) == len(SCENARIOS) and not any(wanted)

    until("all sleep", asleep, 120)


def _settings(workspace: Workspace, name: str) -> KpaSettings:
    (revision,) = Warmed(workspace, name).revisions()
    config = workspace.cluster.api.get(
        Reference(CONFIG_MAP, "config-autoscaler", "knative-serving")
    )
    return settings_of(config.get("data") or {}, annotations_of(revision))


def _act(
    workspace: Workspace,
    scenario: Scenario,
    endpoints: dict[str, Endpoint],
    begin_s: float,
    sent: Sent,
) -> None:
    floors = threading.Thread(target=_floors, args=(workspace, scenario, begin_s, sent))
    floors.start()
    asyncio.run(play(scenario, endpoints[scenario.name], begin_s, sent))
    floors.join(COURSE_S)


def _floors(workspace: Workspace, scenario: Scenario, begin_s: float, sent: Sent) -> None:
    for offset_s, floor in scenario.floors:
        time.sleep(max(0.0, begin_s + offset_s - time.time()))
        revision = workspace.latest_revision(scenario.name)
        workspace.annotate_revision(revision, {MIN_SCALE: str(floor)})
        sent.floors.append((time.time(), floor))


@dataclass(frozen=True)
class _AsWritten:
    """The floors, when they were written."""

    floors: tuple[tuple[float, int], ...]

    def look(self, now_s: float, seen: SeenByPolicy) -> Wish:
        del seen
        floor = max([(at, n) for at, n in self.floors if at <= now_s], default=(0.0, 0))[1]
        later = min((at for at, _ in self.floors if at > now_s), default=float("inf"))
        return Wish(floor, later)


def _simulated(one: Played, phases: Phases) -> Course:
    arrivals: Floats = np.sort(np.array(one.sent.at))
    lasts_s = one.scenario.tokens * TOKEN_S * one.stretch
    service = ServiceModel(
        cold_start_s=one.seen.start_times_s(),
        phases=phases,
    )
    outcome: Outcome = simulate(
        arrivals,
        np.full(len(arrivals), lasts_s),
        service,
        one.settings,
        _AsWritten(tuple(one.sent.floors)),
        start_s=one.begin_s - 10,
        end_s=one.begin_s + COURSE_S + 10,
    )
    replicas = outcome.replicas
    return course_of(replicas.asked_s, replicas.stopped_s)


def _agree(real: Course, simulated: Course, at: float) -> bool:
    around = simulated.at(at + np.arange(-SLACK_S, SLACK_S, STEP_S, dtype=np.float64))
    return bool(around.min() <= real.at(np.array([at]))[0] <= around.max())


def _told(one: Played, real: Course, simulated: Course) -> str:
    def line(course: Course) -> str:
        pairs = zip(course.times, course.counts, strict=True)
        return "  ".join(f"{at - one.begin_s:.1f}:{count}" for at, count in pairs)

    starts = ", ".join(f"{start:.1f}" for start in one.seen.start_times_s())
    return (
        f"{one.scenario.name}: stretch {one.stretch:.3f}, tick at {one.seen.tick_s():.2f}, "
        f"starts {starts}\n"
        f"cluster   {line(real)}\nsimulated {line(simulated)}"
    )
