"""A small model of what KServe and Knative do with an InferenceService, one component of it.

Only what a rollout depends on is here, as docs/architecture.md has it: revisions, the meaning of
``canaryTrafficPercent`` with its trap, which revisions get pods, and when the gateway follows.
"""

from dataclasses import dataclass, field
from datetime import datetime

from pilotlight.api.rollout_status import Component
from pilotlight_canary.observation import ComponentView, Pods, Readiness, Revision


@dataclass(frozen=True)
class Template:
    """What a user writes, and how what he writes behaves."""

    name: str
    error_ratio: float = 0.01
    cold_start_s: float = 20.0
    crashes: bool = False
    never_ready: bool = False


@dataclass
class Pod:
    born: datetime
    ready: bool = False
    restarts: int = 0
    placed: bool = True


@dataclass
class Version:
    """A revision."""

    name: str
    template: Template
    mark: str
    created_at: datetime
    floor: int = 0
    was_ready: bool = False
    pods: list[Pod] = field(default_factory=list)

    @property
    def ready(self) -> int:
        return sum(pod.ready for pod in self.pods)

    @property
    def restarts(self) -> int:
        return sum(pod.restarts for pod in self.pods)


Targets = tuple[int, str, int]
"""The latest revision's percentage, and another one with its own."""


@dataclass
class Part:
    """One component with its Knative service."""

    component: Component
    template: Template
    mark: str = ""
    percent: int | None = None
    versions: dict[str, Version] = field(default_factory=dict)
    rendered: tuple[Template, str] | None = None
    configured: tuple[Template, str] | None = None
    targets: Targets = (100, "", 0)
    traffic: dict[str, int] = field(default_factory=dict)
    latest_traffic: int = 100
    latest_created: str = ""
    latest_ready: str = ""
    seen_created: str = ""
    seen_ready: str = ""
    rolled_out: str = ""
    previous: str = ""

    def render(self) -> None:
        """KServe: the Knative service from the spec (ksvc_reconciler.go)."""
        self.rendered = (self.template, self.mark)
        if self.percent is not None and self.rolled_out and self.percent < 100:
            self.targets = (self.percent, self.rolled_out, 100 - self.percent)
        else:
            self.targets = (100, "", 0)

    def configure(self, now: datetime) -> None:
        """Knative's Configuration: a revision for each template, and which one is ready."""
        if self.rendered and self.rendered != self.configured:
            self.configured = self.rendered
            name = f"{self.component}-{len(self.versions) + 1:05}"
            self.versions[name] = Version(name, *self.rendered, created_at=now)
            self.latest_created = name
        for version in self.versions.values():
            if version.was_ready and version.name > self.latest_ready:
                self.latest_ready = version.name

    def route(self) -> None:
        """Knative's Route: left alone while one of its revisions is not ready."""
        latest, other, rest = self.targets
        if not self.latest_ready:
            return
        split: dict[str, int] = {self.latest_ready: latest}
        if rest:
            split[other] = split.get(other, 0) + rest
        self.traffic, self.latest_traffic = split, latest

    def propagate(self) -> None:
        """KServe: its status from Knative's (inference_service_status.go, PropagateStatus)."""
        self.seen_created = self.latest_created
        if self.latest_ready:
            if self.rolled_out != self.latest_ready:
                if self.latest_traffic == 100:
                    self.previous, self.rolled_out = self.rolled_out, self.latest_ready
            elif (
                self.latest_ready == self.latest_created
                and self.latest_traffic < 100
                and self.traffic.get(self.latest_ready) == 100
                and self.previous
            ):
                self.rolled_out = self.previous
        self.seen_ready = self.latest_ready

    def view(self) -> ComponentView:
        return ComponentView(
            percent=self.percent,
            template_hash=self.mark,
            latest_created=self.seen_created,
            latest_ready=self.seen_ready,
            rolled_out=self.rolled_out,
            previous=self.previous,
            traffic=dict(self.traffic),
        )

    @property
    def is_settled(self) -> bool:
        expected = (self.percent, self.rolled_out) if self.percent is not None else (100, "")
        told = (self.targets[0], self.targets[1] or self.rolled_out)
        same = told == (expected[0], expected[1] or self.rolled_out)
        return (
            self.rendered == (self.template, self.mark)
            and self.configured == self.rendered
            and same
            and self.seen_created == self.latest_created
        )


def observed(version: Version, component: Component, ceiling: int | None) -> Revision:
    """A revision as the controller sees it."""
    placed = [pod for pod in version.pods if pod.placed]
    unplaced = len(placed) < len(version.pods)
    crashing = version.template.crashes and version.restarts > 0
    return Revision(
        name=version.name,
        component=component,
        created_at=version.created_at,
        template_hash=version.mark,
        readiness=Readiness.READY if version.was_ready else Readiness.UNKNOWN,
        message="" if version.was_ready else "Deploying",
        pods=Pods(
            total=len(version.pods),
            ready=version.ready,
            restarts=version.restarts,
            unschedulable="0/1 nodes are available: 1 Insufficient nvidia.com/gpu"
            if unplaced
            else "",
            crash="CrashLoopBackOff: exit code 1" if crashing else "",
        ),
        floor=version.floor,
        ceiling=ceiling,
    )
