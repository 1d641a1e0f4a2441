"""The replicas of a revision: asked for, starting, ready, stopped, gone."""

from dataclasses import dataclass, field

from pilotlight_autoscaler.simulation.service import ServiceModel

NEVER = float("inf")


@dataclass
class Pod:
    """One replica, all times in seconds.

    Args:
        number: Counted from 0, in order of the wish.
        asked_s: When the Deployment was scaled up.
        ready_s: When it answers, or would have.
        stopped_s: When it was told to go.
        gone_s: When its last request and its drain were over.
    """

    number: int
    asked_s: float
    ready_s: float
    stopped_s: float = NEVER
    gone_s: float = NEVER


@dataclass
class Pods:
    """Starts and stops of a service's replicas.

    Args:
        service: How long a start and a drain take.
        starting: In order of becoming ready.
        ready: In order of having become ready.
        stopped: The rest.
    """

    service: ServiceModel
    starting: list[Pod] = field(default_factory=list)
    ready: list[Pod] = field(default_factory=list)
    stopped: list[Pod] = field(default_factory=list)
    started: int = 0

    @property
    def wanted(self) -> int:
        """Replicas of the Deployment."""
        return len(self.starting) + len(self.ready)

    @property
    def next_ready_s(self) -> float:
        """When the next replica answers."""
        return self.starting[0].ready_s if self.starting else NEVER

    def add(self, now_s: float, count: int) -> None:
        """Ask for more."""
        starts = self.service.starts
        for _ in range(count):
            takes = starts[self.started % len(starts)]
            self.starting.append(Pod(self.started, now_s, now_s + takes))
            self.started += 1
        self.starting.sort(key=lambda pod: pod.ready_s)

    def become_ready(self, now_s: float) -> int:
        """Those whose start is over answer from now on; how many they are."""
        count = 0
        while self.starting and self.starting[0].ready_s <= now_s:
            self.ready.append(self.starting.pop(0))
            count += 1
        return count

    def remove(self, now_s: float, count: int, busy_until_s: list[float]) -> None:
        """Tell some to go: those not ready first, and of each kind the youngest (ReplicaSet).

        Args:
            now_s: The time.
            count: How many.
            busy_until_s: When the last request of each stopped replica ends, youngest first.
        """
        busy = iter(busy_until_s)
        for _ in range(count):
            if self.starting:
                pod = max(self.starting, key=lambda pod: pod.number)
                self.starting.remove(pod)
                pod.stopped_s = pod.gone_s = now_s
            else:
                pod = self.ready.pop()
                pod.stopped_s = now_s
                pod.gone_s = max(now_s + self.service.drain_s, next(busy, now_s))
            self.stopped.append(pod)

    def all(self) -> list[Pod]:
        """Everyone there ever was, in order of the wish."""
        return sorted(self.stopped + self.ready + self.starting, key=lambda pod: pod.number)
