"""A cluster with one InferenceService and its rollout, in which ``decide`` is driven."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pilotlight.announcement import Announcement
from pilotlight.api.rollout import RolloutPolicy
from pilotlight.api.rollout_status import Component, InferenceRolloutStatus, Phase
from pilotlight_canary.decision import Decision, Desired
from pilotlight_canary.observation import (
    Action,
    Counts,
    Interval,
    Observation,
    OwnRoute,
    Request,
    Role,
    Room,
    Service,
    Silence,
    TaskResult,
)
from pilotlight_canary.policy.decide import decide
from pilotlight_canary.policy.judge import Judge
from pilotlight_canary.policy.release import release
from tests.unit.canary.policy.platform import Part, Pod, Template, Version, observed

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
V1, V2, V3 = (Template(name) for name in ("v1", "v2", "v3"))
WATCHED = frozenset({Phase.PROGRESSING, Phase.PAUSED, Phase.PROMOTING, Phase.WATCHING})


@dataclass
class World:
    """Time passes in it second by second; the controller looks when it wants to."""

    spec: RolloutPolicy
    judge: Judge | None = None
    load: int = 3
    """Pods that the traffic needs."""
    rate: float = 40.0
    """Requests a second."""
    slots: int = 20
    """Pods that the cluster takes."""
    ceiling: int | None = None
    status: InferenceRolloutStatus = field(default_factory=InferenceRolloutStatus)
    now: datetime = START
    said: list[Announcement] = field(default_factory=list)
    parts: dict[Component, Part] = field(default_factory=dict)
    routes: dict[Role, tuple[str, datetime]] = field(default_factory=dict)
    desired: Desired = field(default_factory=Desired)
    asleep: frozenset[Role] = frozenset()
    """Our Routes that Knative does not get ready."""
    silent: bool = False
    mis_split: bool = False
    tasks: dict[str, TaskResult] = field(default_factory=dict)
    request: Request | None = None
    is_there: bool = True
    mode: str = "Knative"
    checks: list[Callable[["World", Decision], None]] = field(default_factory=list)
    read_at: datetime | None = None
    next_look: datetime = START
    away_until: datetime = START
    looks: int = 0
    races: bool = False
    """Knative's Route is reconciled before its Configuration."""
    each_second: list[Callable[["World"], None]] = field(default_factory=list)
    left_over: dict[str, float] = field(default_factory=dict)

    def deploy(self, template: Template = V1, component: Component = Component.PREDICTOR) -> None:
        """Before anybody looks: a first version with all of the traffic."""
        part = self.parts[component] = Part(component, template)
        for _ in range(60):
            self.platform()
            self.now += timedelta(seconds=1)
        assert part.traffic == {part.rolled_out: 100}
        self.next_look = self.now

    # What people do.

    def apply(
        self,
        template: Template,
        component: Component = Component.PREDICTOR,
        *,
        held: bool = True,
        percent: int | None = None,
    ) -> None:
        """A user's write, through the webhook or past it."""
        part = self.parts[component]
        if template == part.template and held:
            return  # The webhook keeps the percentage where the template stays.
        # The controller is told of changes.
        self.next_look = max(self.now, self.away_until)
        part.template = template
        if held:
            part.mark, part.percent = f"hash-{template.name}", 0
        elif percent is not None:
            part.percent = percent

    def ask(self, action: Action) -> None:
        self.request = Request(f"{action}-{self.now.isoformat()}", action, "kim")

    def finish(self, task: str, result: TaskResult) -> None:
        self.tasks[task] = result

    # What the platform does.

    def platform(self, *, route_first: bool = False) -> None:
        """One second of KServe's, Knative's and the scheduler's work."""
        for part in self.parts.values():
            part.render()
            if route_first:
                part.route()
                part.propagate()
                part.render()
            part.configure(self.now)
            part.route()
            part.propagate()
        self._scale()

    def _scale(self) -> None:
        used = sum(len(v.pods) for part in self.parts.values() for v in part.versions.values())
        for part in self.parts.values():
            for version in part.versions.values():
                used += self._scale_one(part, version, self.slots - used)
                for pod in version.pods:
                    self._age(version, pod)
                if version.ready and not version.template.crashes:
                    version.was_ready = True

    def _scale_one(self, part: Part, version: Version, free: int) -> int:
        share = part.traffic.get(version.name, 0)
        reachable = share or any(name == version.name for name, _ in self.routes.values())
        is_first = not part.traffic or (
            version.name == part.latest_created and not version.was_ready
        )
        wanted = -(-self.load * share // 100)
        if reachable:
            wanted = max(wanted, version.floor)
        if is_first:
            wanted = max(wanted, 1)
        if self.ceiling:
            wanted = min(wanted, self.ceiling)
        before = len(version.pods)
        del version.pods[wanted:]
        for _ in range(wanted - before):
            version.pods.append(Pod(self.now, placed=free > 0))
            free -= 1
        for pod in version.pods:
            if not pod.placed and free > 0:
                pod.placed, pod.born, free = True, self.now, free - 1
        return len(version.pods) - before

    def _age(self, version: Version, pod: Pod) -> None:
        age = (self.now - pod.born).total_seconds()
        if not pod.placed or age < version.template.cold_start_s:
            return
        if version.template.crashes:
            pod.restarts += 1
            pod.born, pod.ready = self.now, False
        else:
            pod.ready = not version.template.never_ready

    # What the controller does.

    def service(self) -> Service:
        revisions = {
            version.name: observed(version, part.component, self.ceiling)
            for part in self.parts.values()
            for version in part.versions.values()
        }
        return Service(
            name="llm",
            namespace="default",
            uid="1",
            resource_version="1",
            settled=all(part.is_settled for part in self.parts.values()),
            mode=self.mode,
            components={name: part.view() for name, part in self.parts.items()},
            revisions=revisions,
        )

    def observe(self) -> Observation:
        routes = {
            role: OwnRoute(
                name,
                ready=self.version(name).ready > 0 and role not in self.asleep,
                url=f"http://{role}.default.svc",
            )
            for role, (name, _) in self.routes.items()
        }
        used = sum(len(v.pods) for part in self.parts.values() for v in part.versions.values())
        return Observation(
            self.service() if self.is_there else None,
            routes,
            Room(max(0, self.slots - used), "no GPU is free"),
            self._interval(),
            {name: self.tasks[name] for name in self.status.tasks if name in self.tasks},
            self.request,
        )

    def version(self, name: str) -> Version:
        for part in self.parts.values():
            if name in part.versions:
                return part.versions[name]
        raise KeyError(name)

    def _interval(self) -> Interval | Silence | None:
        every = self.spec.analysis.interval
        if self.status.phase not in WATCHED:
            self.read_at = None
            return None
        if self.read_at is None:
            self.read_at = self.now
            return None
        if self.now - self.read_at < every:
            return None
        if self.silent:
            return Silence("Prometheus does not answer")
        seconds = (self.now - self.read_at).total_seconds()
        self.read_at = self.now
        return self._figures(seconds)

    def _figures(self, seconds: float) -> Interval:
        status = self.status
        part = self.parts[status.component]
        canary, stable = self.version(status.canary_revision), self.version(status.stable_revision)
        total = round(self.rate * seconds)
        share = part.traffic.get(canary.name, 0)
        mine = round(total * (min(100, 2 * share) if self.mis_split else share) / 100)
        bad, usual = self._bad(canary, mine), self._bad(stable, total - mine)
        return Interval(
            seconds,
            {("errors", ""): Counts(bad, mine, usual, total - mine)},
            {"": (mine, total - mine)},
            canary_error_ratio=bad / mine if mine else None,
        )

    def _bad(self, version: Version, requests: int) -> int:
        # What is left of a request is carried over: small intervals are no better or worse.
        exact = requests * version.template.error_ratio + self.left_over.get(version.name, 0.0)
        self.left_over[version.name] = exact - int(exact)
        return int(exact)

    def look(self, *, killed: bool = False) -> Decision:
        """One look; a controller that is killed has stored its status and done nothing else."""
        observation = self.observe()
        decision = decide(self.spec, self.status, observation, self.now, self.judge)
        again = decide(
            self.spec,
            decision.status,
            replace(observation, request=None),
            self.now,
            self.judge,
        )
        assert again.status == decision.status, "asked twice it changes nothing more"
        assert again.desired == decision.desired
        self._stored(decision)
        if killed:
            self.read_at = None
        else:
            self._act(decision.desired)
        self.next_look = self.now + timedelta(seconds=max(1.0, decision.next_look_s))
        self.looks += 1
        for check in self.checks:
            check(self, decision)
        return decision

    def let_go(self) -> Decision:
        decision = release(self.spec, self.status, self.observe(), self.now, self.judge)
        self._stored(decision)
        self._act(decision.desired)
        return decision

    def _stored(self, decision: Decision) -> None:
        # As the API server would give it back.
        text = decision.status.model_dump_json(by_alias=True)
        self.status = InferenceRolloutStatus.model_validate_json(text)
        self.said.extend(decision.announcements)
        if self.request is not None and self.status.handled_request == self.request.id:
            self.request = None

    def _act(self, desired: Desired) -> None:
        self.desired = desired
        for component, percent in desired.percents.items():
            self.parts[component].percent = percent
        for component, revision in desired.rolled_out.items():
            part = self.parts[component]
            takes_latest = part.percent is None or part.percent >= 100
            if not takes_latest or part.latest_ready == revision:
                part.rolled_out = revision
                part.previous = part.previous and revision
        self.routes = {
            role: self.routes.get(role, (name, self.now))
            if self.routes.get(role, ("", self.now))[0] == name
            else (name, self.now)
            for role, name in desired.routes.items()
        }
        self._floors()
        if desired.restore:
            old = self.version(desired.restore)
            part = next(p for p in self.parts.values() if desired.restore in p.versions)
            part.template, part.mark, part.percent = old.template, f"hash-{old.template.name}", 0

    def _floors(self) -> None:
        claims: dict[str, int] = {}
        for claim in self.status.floors:
            if claim.expires_at is None or claim.expires_at > self.now:
                claims[claim.revision] = max(claim.replicas, claims.get(claim.revision, 0))
        for part in self.parts.values():
            for version in part.versions.values():
                version.floor = claims.get(version.name, 0)

    # Time.

    def run(self, seconds: int, *, until: Callable[["World"], bool] | None = None) -> "World":
        """Let so much time pass, or less if something becomes true."""
        for _ in range(seconds):
            if until is not None and until(self):
                return self
            self.platform(route_first=self.races)
            self.now += timedelta(seconds=1)
            for check in self.each_second:
                check(self)
            if self.now >= self.next_look:
                self.look()
        return self

    def die(self, seconds: int) -> None:
        """The controller is killed between its two writes, and is away for so long."""
        self.look(killed=True)
        self.away_until = self.next_look = self.now + timedelta(seconds=seconds)

    def until(self, *phases: Phase, seconds: int = 7200) -> "World":
        """Let time pass until one of these phases.

        Raises:
            AssertionError: It did not come.
        """
        self.run(seconds, until=lambda world: world.status.phase in phases)
        assert self.status.phase in phases, f"{self.status.phase}: {self.status.reason}"
        return self

    @property
    def part(self) -> Part:
        return self.parts[self.status.component]

    def heard(self, reason: str) -> list[str]:
        return [one.message for one in self.said if one.reason == reason]


def world(*, deployed: Template = V1, judge: Judge | None = None, **spec: Any) -> World:
    """A world in which a first version serves, and its rollout has been looked at."""
    made = World(RolloutPolicy.model_validate(spec), judge=judge)
    made.deploy(deployed)
    made.look()
    return made
