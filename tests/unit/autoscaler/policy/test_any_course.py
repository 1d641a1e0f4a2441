"""Whatever comes, in any order: the rules that a warm pool's policy never breaks.

Three pools share a budget on a cluster in small: revisions that come, go and share traffic, pods
that start or find no room, metrics that stop, clocks that jump, specs that are edited, a
controller that starts anew from what was stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf, nan

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pilotlight.api.meta import Mode
from pilotlight.api.warmpool import Reason, WarmPoolPolicy, WarmPoolStatus
from pilotlight_autoscaler.demand import Recent
from pilotlight_autoscaler.observation import (
    Counted,
    Observation,
    Revision,
    Rollout,
    Sample,
    Service,
    Signals,
)
from pilotlight_autoscaler.policy.budget.group import member, share_out
from pilotlight_autoscaler.policy.decide import decide
from tests.unit.autoscaler.policy.pool import MONDAY, Told

POOLS = ("a", "b", "c")
GPUS_EACH = {"a": 1, "b": 2, "c": 4}
ANY = st.sampled_from(POOLS)
ODD = st.sampled_from([nan, inf, -1.0])
OFFICE = {"timezone": "Europe/Berlin", "start": "0 8 * * *", "end": "0 19 * * *"}

SLEEP = [{"level": 1, "replicaHour": 0.2, "wakeSeconds": 2}]


@dataclass
class Site:
    """One service and its pool."""

    name: str
    spec: WarmPoolPolicy
    status: WarmPoolStatus = field(default_factory=WarmPoolStatus)
    revisions: tuple[Revision, ...] = ()
    there: bool = True
    born: int = 1
    rollout: Rollout | None = None
    wish: int = 0
    queue: float = 0.0
    in_flight: float = 0.0
    age_s: float = 0.0
    seen: bool = True
    requests: int = 0
    cold_start_s: float | None = 45.0
    sleep_levels: frozenset[int] = frozenset()

    def observation(self, granted: int | None = None) -> Observation:
        return Observation(
            self.service,
            recent=Recent(self.in_flight, gaps_s=(600.0,)) if self.seen else None,
            recent_age_s=self.age_s,
            signals=Signals(queue_depth=Sample(self.queue, self.age_s) if self.seen else None),
            forecast=Told(self.wish),
            cold_start_s=self.cold_start_s,
            gpus_per_replica=GPUS_EACH[self.name],
            granted=granted,
            rollout=self.rollout,
            counted=Counted(self.requests, self.requests // 7),
        )

    @property
    def service(self) -> Service | None:
        if not self.there:
            return None
        return Service(
            self.name, "models", revisions=self.revisions, sleep_levels=self.sleep_levels
        )

    @property
    def claimed(self) -> Mapping[str, int]:
        return {claim.revision: claim.replicas for claim in self.status.floors}

    @property
    def gpus(self) -> int:
        return sum(self.claimed.values()) * GPUS_EACH[self.name]


def _spec(**fields: object) -> WarmPoolPolicy:
    return WarmPoolPolicy.model_validate(
        {"maxReplicas": 4, "failSafe": {"ttlSeconds": 120, "replicas": 1}, **fields}
    )


class Cluster(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = MONDAY
        self.gpus = 8
        self.sites = {
            name: Site(
                name,
                _spec(budget={"gpus": 8}),
                revisions=(Revision(f"{name}-1", percent=100),),
            )
            for name in POOLS
        }
        self.is_up = True

    # ---- The controller

    @rule(is_up=st.booleans())
    def the_controller_dies_or_lives(self, is_up: bool) -> None:
        self.is_up = is_up

    @rule(after_s=st.floats(0, 120), looks=st.integers(1, 8))
    def time_passes(self, after_s: float, looks: int) -> None:
        for _ in range(looks):
            self.now += timedelta(seconds=after_s)
            self.rules_hold_after_every_look()

    @invariant()
    def rules_hold_after_every_look(self) -> None:
        if self.is_up:
            self._look()
            self._pods_follow()
            budgeted = [site for site in self.sites.values() if site.spec.budget]
            assert sum(site.gpus for site in budgeted) <= self.gpus

    def _look(self) -> None:
        found = [
            member(name, site.spec, site.status, site.observation(), self.now)
            for name, site in self.sites.items()
        ]
        grants = share_out([one for one in found if one is not None])
        for name, site in self.sites.items():
            granted = grants[name].replicas if name in grants else None
            observation = site.observation(granted)
            before = site.status
            decision = decide(site.spec, before, observation, self.now)
            assert decide(site.spec, before, observation, self.now) == decision
            again = decide(site.spec, decision.status, observation, self.now)
            assert again.status == decision.status
            assert not again.announcements
            assert not again.urgent
            assert decision.next_look_s >= 1
            if decision.floors != before.floors:
                assert decision.urgent
            site.status = decision.status
            self._holds(site, granted)

    def _holds(self, site: Site, granted: int | None) -> None:
        status, spec = site.status, site.spec
        if not site.there:
            assert (status.floor, status.floors) == (0, ())
            assert status.reason is Reason.NO_TARGET
            return
        assert status.floor <= spec.max_replicas
        if granted is None:
            assert status.floor >= spec.min_replicas
        else:
            assert status.floor <= granted
            assert sum(site.claimed.values()) <= granted
            assert status.floor >= min(spec.min_replicas, granted)
        names = {one.name for one in site.revisions}
        assert site.claimed.keys() <= names
        ends = [claim.expires_at or self.now for claim in status.floors]
        assert all(self.now < end <= self.now + timedelta(minutes=10) for end in ends)
        if spec.mode is Mode.DRY_RUN:
            assert status.floors == ()
        elif granted is None and any(one.percent for one in site.revisions):
            assert sum(site.claimed.values()) >= status.floor
        kept = status.floor + sum(one.replicas for one in status.asleep)
        assert kept <= max(status.floor, spec.max_replicas)
        assert status.cost_today >= 0

    @rule(pool=ANY)
    def starts_anew(self, pool: str) -> None:
        site = self.sites[pool]
        stored = site.status.model_dump_json(by_alias=True, exclude_none=True)
        site.status = WarmPoolStatus.model_validate_json(stored)

    @rule(pool=ANY, seconds=st.none() | st.sampled_from([0.0, 45.0, 400.0, -1.0, 1e12, inf, nan]))
    def starts_take_another_time(self, pool: str, seconds: float | None) -> None:
        self.sites[pool].cold_start_s = seconds

    @rule(pool=ANY, levels=st.frozensets(st.integers(1, 2)))
    def replicas_learn_to_sleep(self, pool: str, levels: frozenset[int]) -> None:
        self.sites[pool].sleep_levels = levels

    @rule(hours=st.floats(-30, 30))
    def clock_jumps(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    # ---- The cluster

    def _pods_follow(self) -> None:
        for site in self.sites.values():
            site.revisions = tuple(
                one
                if one.unschedulable
                else replace(one, ready=max(one.ready, site.claimed.get(one.name, 0)))
                for one in site.revisions
            )

    @rule(pool=ANY, stuck=st.booleans())
    def room_runs_out(self, pool: str, stuck: bool) -> None:
        site = self.sites[pool]
        words = "0/3 nodes are available" if stuck else ""
        site.revisions = tuple(replace(one, unschedulable=words) for one in site.revisions)

    @rule(pool=ANY, percent=st.integers(0, 100))
    def a_rollout_moves(self, pool: str, percent: int) -> None:
        site = self.sites[pool]
        if len(site.revisions) == 1:
            site.born += 1
            site.revisions = (*site.revisions, Revision(f"{pool}-{site.born}"))
        stable, canary = site.revisions
        site.rollout = Rollout(stable.name, canary.name, percent)
        site.revisions = (replace(stable, percent=100 - percent), replace(canary, percent=percent))

    @rule(pool=ANY, keep=st.integers(0, 1))
    def a_rollout_ends(self, pool: str, keep: int) -> None:
        site = self.sites[pool]
        site.rollout = None
        kept = site.revisions[min(keep, len(site.revisions) - 1)]
        site.revisions = (replace(kept, percent=100),)

    @rule(pool=ANY)
    def the_gateway_changes_over(self, pool: str) -> None:
        site = self.sites[pool]
        site.revisions = tuple(replace(one, percent=0) for one in site.revisions)

    @rule(pool=ANY, there=st.booleans())
    def the_service_goes_or_comes(self, pool: str, there: bool) -> None:
        site = self.sites[pool]
        if there and not site.there:
            site.born += 1
            site.revisions, site.rollout = (Revision(f"{pool}-{site.born}", percent=100),), None
        site.there = there

    # ---- Demand, metrics, people

    @rule(
        pool=ANY,
        wish=st.integers(0, 6),
        queue=st.floats(0, 50) | ODD,
        in_flight=st.floats(0, 50) | ODD,
        requests=st.integers(0, 99),
    )
    def demand_changes(
        self, pool: str, wish: int, queue: float, in_flight: float, requests: int
    ) -> None:
        site = self.sites[pool]
        site.wish, site.queue, site.in_flight, site.requests = wish, queue, in_flight, requests

    @rule(pool=ANY, seen=st.booleans(), age_s=st.sampled_from([0.0, 30.0, 60.0, 130.0, 1e6]))
    def metrics_stop_or_come(self, pool: str, seen: bool, age_s: float) -> None:
        self.sites[pool].seen, self.sites[pool].age_s = seen, age_s

    @rule(
        pool=ANY,
        least=st.integers(0, 2),
        more=st.integers(0, 3),
        mode=st.sampled_from(Mode),
        forecast=st.booleans(),
        scheduled=st.booleans(),
        priority=st.none() | st.integers(-1, 1),
        window=st.sampled_from([0, 60, 300]),
        percent=st.none() | st.sampled_from([0, 5, 100]),
        sleeps=st.booleans(),
    )
    def the_spec_is_edited(
        self,
        pool: str,
        least: int,
        more: int,
        mode: Mode,
        forecast: bool,
        scheduled: bool,
        priority: int | None,
        window: int,
        percent: int | None,
        sleeps: bool,
    ) -> None:
        schedule = OFFICE | {"desiredReplicas": least + more}
        budget = None if priority is None else {"gpus": self.gpus, "priority": priority}
        self.sites[pool].spec = _spec(
            minReplicas=least,
            maxReplicas=least + more,
            mode=mode,
            forecast=forecast,
            schedules=[schedule] if scheduled else [],
            budget=budget,
            stabilizationWindowSeconds=window,
            target=None if percent is None else {"maxColdPercent": percent},
            sleep=SLEEP if sleeps else [],
        )

    @rule(gpus=st.integers(0, 16))
    def the_budget_is_edited(self, gpus: int) -> None:
        self.gpus = gpus
        for site in self.sites.values():
            if site.spec.budget:
                budget = site.spec.budget.model_copy(update={"gpus": gpus})
                site.spec = site.spec.model_copy(update={"budget": budget})


TestAnyCourse = Cluster.TestCase
TestAnyCourse.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
