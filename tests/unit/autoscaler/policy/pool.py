"""A warm pool and what is seen of it, in few words."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pilotlight.api.warmpool import Reason, Term, WarmPoolPolicy, WarmPoolStatus
from pilotlight_autoscaler.decision import Decision
from pilotlight_autoscaler.demand import Recent
from pilotlight_autoscaler.economics import Economics
from pilotlight_autoscaler.observation import Observation, Revision, Service
from pilotlight_autoscaler.policy.decide import decide

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)


class Told:
    """A forecast that says what it is told."""

    def __init__(self, replicas: int, worth: float | None = None) -> None:
        self.replicas = replicas
        self._worth = worth

    def terms(self, recent: Recent, economics: Economics, now_s: float) -> tuple[Term, ...]:
        del recent, economics, now_s
        return (
            Term(
                reason=Reason.FORECAST,
                replicas=self.replicas,
                message="told",
                hourly_worth=self._worth,
            ),
        )


def policy(**fields: Any) -> WarmPoolPolicy:
    """A spec; at most three replicas, unless it says otherwise."""
    return WarmPoolPolicy.model_validate({"maxReplicas": 3, **fields})


def service(*revisions: Revision) -> Service:
    """One revision with all of the traffic, unless others are given."""
    return Service("chat", "models", revisions=revisions or (Revision("chat-1", percent=100),))


def seen(forecast: Told | int | None = None, *revisions: Revision, **fields: Any) -> Observation:
    """A quiet service of which everything is known."""
    told = Told(forecast) if isinstance(forecast, int) else forecast
    given: dict[str, Any] = {
        "service": service(*revisions),
        "recent": Recent(),
        "forecast": told,
        "cold_start_s": 30.0,
    }
    return Observation(**(given | fields))


class Pool:
    """Looks again and again, as a controller does.

    Args:
        spec: What is wanted.
        now: When it begins.
    """

    def __init__(self, spec: WarmPoolPolicy, now: datetime = MONDAY) -> None:
        self.spec, self.now = spec, now
        self.status = WarmPoolStatus()

    def look(self, observation: Observation, after_s: float = 0.0) -> Decision:
        """One look, some time after the one before."""
        self.now += timedelta(seconds=after_s)
        decision = decide(self.spec, self.status, observation, self.now)
        self.status = decision.status
        return decision

    def watch(self, observation: Observation, for_s: float) -> list[Decision]:
        """Looks whenever the decision says so, while nothing changes."""
        decisions, until = [], self.now + timedelta(seconds=for_s)
        while self.now < until:
            decision = self.look(observation)
            decisions.append(decision)
            self.now = min(until, self.now + timedelta(seconds=decision.next_look_s))
        decisions.append(self.look(observation))
        return decisions

    @property
    def claimed(self) -> dict[str, int]:
        """Floors by revision."""
        return {claim.revision: claim.replicas for claim in self.status.floors}

    def condition(self, kind: str) -> str:
        """The status of a condition."""
        return next(one.status for one in self.status.conditions if one.type == kind)
