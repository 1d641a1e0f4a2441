"""Whatever happens on the way, a rollout keeps its promises."""

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilotlight.api.rollout_status import Component, Phase
from pilotlight_canary.decision import Decision
from pilotlight_canary.observation import Action
from pilotlight_canary.policy.capacity import AFTERGLOW
from pilotlight_canary.policy.course import UNDECIDED, ended
from pilotlight_canary.statistics.verdict import Outcome
from tests.unit.canary.policy.judges import PlainJudge
from tests.unit.canary.policy.platform import Template
from tests.unit.canary.policy.world import World, world

GOOD = (Template("good-1"), Template("good-2", cold_start_s=90), Template("good-3"))
BAD = (
    Template("failing", error_ratio=0.8),
    Template("worse", error_ratio=0.06),
    Template("crashing", crashes=True),
    Template("never-ready", never_ready=True),
)
WAITS_FOR_A_PERSON = ("has paused it", "approval-", "undecided", "not split as told")


@dataclass(frozen=True)
class Event:
    after_s: int
    name: str
    template: Template = GOOD[0]
    seconds: int = 0


EVENTS = st.builds(
    Event,
    after_s=st.integers(0, 200),
    name=st.sampled_from(
        [
            "apply",
            "apply",
            "apply",
            "die",
            "silence",
            "speech",
            "mis-split",
            "split",
            "tight",
            "wide",
        ]
        + [f"ask-{action}" for action in Action]
    ),
    template=st.sampled_from(GOOD + BAD),
    seconds=st.integers(0, 300),
)
SPECS = st.fixed_dictionaries(
    {
        "progress_deadline_seconds": st.just(400),
        "rollback_window_seconds": st.sampled_from([0, 60, 300]),
        "on_rollback": st.sampled_from(["hold", "restore"]),
        "analysis": st.fixed_dictionaries(
            {
                "max_duration": st.just("5m"),
                "on_inconclusive": st.sampled_from(["hold", "promote", "rollback"]),
                "step_weights": st.sampled_from([(5, 10, 25, 50), (10,), (34, 67)]),
                "pause_weights": st.sampled_from([(), (10,)]),
                "threshold": st.sampled_from([1, 2]),
            }
        ),
    }
)


class Promises:
    """What holds at every moment."""

    def __init__(self) -> None:
        self.before = Phase.IDLE
        self.asked_to_promote = False

    def each_second(self, here: World) -> None:
        part, status = here.parts[Component.PREDICTOR], here.status
        assert sum(part.traffic.values()) == 100
        for name, share in part.traffic.items():
            version = here.version(name)
            if share and version.template in (*GOOD, here_first):
                needed = -(-here.load * share // 100)
                assert version.ready >= needed, f"{name} has {share} % and {version.ready} pods"
        if status.phase in UNDECIDED and status.weight < 100:
            assert part.traffic.get(part.latest_created, 0) <= status.weight
            assert status.weight <= max(here.spec.analysis.weights)

    def each_look(self, here: World, decision: Decision) -> None:
        status = decision.status
        if here.request is not None or any(one.reason == "PromotedByPerson" for one in here.said):
            self.asked_to_promote = True
        if status.phase is Phase.PROMOTING and self.before is not Phase.PROMOTING:
            assert self._may_promote(here, decision), status.reason
        if ended(status):
            assert not decision.desired.routes
            assert not decision.desired.kept
            for claim in status.floors:
                assert claim.expires_at is not None
                assert claim.expires_at <= here.now + AFTERGLOW
        self.before = status.phase

    def _may_promote(self, here: World, decision: Decision) -> bool:
        status = decision.status
        assert here.judge is not None
        said = here.judge.judge(status.evidence, here.spec.analysis).outcome is Outcome.GOOD
        late = here.spec.analysis.on_inconclusive == "promote" or any(
            name.startswith("going-on-") for name in status.tasks
        )
        by_hand = any(one.reason == "PromotedByPerson" for one in decision.announcements)
        return said or late or by_hand or status.returning


here_first = Template("v1")


def begun(spec: dict[str, Any]) -> World:
    here = world(judge=PlainJudge(), **spec)
    promises = Promises()
    here.each_second.append(promises.each_second)
    here.checks.append(promises.each_look)
    return here


def happen(here: World, event: Event) -> None:
    here.run(event.after_s)
    if event.name == "apply":
        here.apply(event.template)
    elif event.name == "die":
        here.die(event.seconds)
    elif event.name in ("silence", "speech"):
        here.silent = event.name == "silence"
    elif event.name in ("mis-split", "split"):
        here.mis_split = event.name == "mis-split"
    elif event.name in ("tight", "wide"):
        here.slots = 5 if event.name == "tight" else 20
    else:
        here.ask(Action(event.name.removeprefix("ask-")))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
@given(
    spec=SPECS,
    races=st.booleans(),
    events=st.lists(EVENTS, min_size=1, max_size=8),
)
def test_a_rollout_keeps_its_promises(
    spec: dict[str, Any], races: bool, events: list[Event]
) -> None:
    here = begun(spec)
    here.races = races
    for event in events:
        happen(here, event)
    here.silent, here.mis_split, here.slots = False, False, 20
    here.run(6000, until=lambda it: ended(it.status) and not it.status.floors)
    waits = here.status.phase in (Phase.PAUSED, Phase.PROMOTING) and any(
        words in here.status.reason for words in WAITS_FOR_A_PERSON
    )
    assert ended(here.status) or waits, f"{here.status.phase}: {here.status.reason}"
    if ended(here.status):
        assert not here.routes
        assert all(v.floor == 0 for v in here.parts[Component.PREDICTOR].versions.values())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    bad=st.sampled_from(BAD),
    deaths=st.lists(st.tuples(st.integers(0, 120), st.integers(0, 120)), max_size=4),
    races=st.booleans(),
)
def test_a_bad_version_never_keeps_the_traffic(
    bad: Template, deaths: list[tuple[int, int]], races: bool
) -> None:
    here = begun({"progress_deadline_seconds": 300})
    here.races = races
    here.apply(replace(bad))
    for after_s, away_s in deaths:
        here.run(after_s)
        here.die(away_s)
    here.until(Phase.ROLLED_BACK)
    assert here.part.traffic[here.status.stable_revision] == 100


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deaths=st.lists(st.tuples(st.integers(0, 120), st.integers(0, 300)), max_size=6))
def test_a_good_version_arrives_however_often_the_controller_is_killed(
    deaths: list[tuple[int, int]],
) -> None:
    here = begun({})
    here.apply(GOOD[1])
    for after_s, away_s in deaths:
        here.run(after_s)
        here.die(away_s)
    here.until(Phase.SUCCEEDED)
    assert here.part.traffic[here.status.canary_revision] == 100
