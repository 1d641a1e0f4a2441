"""What was learnt of a service, as the policy asks for it."""

from dataclasses import dataclass
from datetime import datetime

from pilotlight.api.warmpool import Term, WarmPoolPolicy, WarmPoolStatus
from pilotlight_autoscaler.demand import Demand, Recent
from pilotlight_autoscaler.economics import Economics
from pilotlight_autoscaler.forecast import Model, learn, terms
from pilotlight_autoscaler.observation import Observation
from pilotlight_autoscaler.policy.look import Look
from pilotlight_autoscaler.policy.prices import economics


@dataclass(frozen=True)
class Learnt:
    """A model, asked with the blend of experts that is shipped."""

    model: Model

    def terms(self, recent: Recent, economics: Economics, now_s: float) -> tuple[Term, ...]:
        """The floors that the expected demand asks for."""
        return terms(self.model, recent, economics, now_s)


def learnt_from(
    demand: Demand,
    spec: WarmPoolPolicy,
    status: WarmPoolStatus,
    observation: Observation,
    now: datetime,
) -> Learnt | None:
    """Learn from a history, at the prices of this moment; ``None`` if there is nothing to learn.

    Args:
        demand: The history.
        spec: As for ``decide``.
        status: As for ``decide``.
        observation: As for ``decide``.
        now: The time, with its zone.
    """
    service = observation.service
    if service is None or not len(demand.arrivals):
        return None
    price = economics(Look(spec, status, observation, service, now))[0]
    return Learnt(learn(demand, price, service.target_concurrency or 1.0))
