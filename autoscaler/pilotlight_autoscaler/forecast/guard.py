"""What keeps a wrong forecast from costing much: an account against the break-even keep-alive.

Credit grows where the forecast costs less than (1 + SLACK) times the break-even keep-alive would
have, and shrinks where it costs more. The forecast may be followed only into states that the
credit can pay for, whatever comes next. So for every history, and from any idle time to any later
one, cost <= (1 + SLACK) * cost of the keep-alive + the credit at the beginning, which is at most
MOST_WAKES wakes. docs/forecast.md has the proof.

All costs are in seconds of a warm replica.
"""

from dataclasses import dataclass

from pilotlight_autoscaler.forecast.plan import Plan

SLACK = 0.1
FIRST_WAKES = 4.0
"""What a service may lose before its forecast has earned anything, in wakes."""

MOST_WAKES = 10.0
"""How much credit is kept: the forecast may not lose more than that from any time on."""


@dataclass(frozen=True)
class Account:
    """Credit of one service.

    Args:
        credit_s: In seconds of a warm replica.
        spent_s: What following the forecast, as far as allowed, has cost so far.
        fallback_s: What the break-even keep-alive would have cost.
    """

    credit_s: float
    spent_s: float = 0.0
    fallback_s: float = 0.0

    def after(self, plan: Plan, wake_s: float, idle_s: float, ended: bool) -> "Account":
        """The account after an idle time.

        Args:
            plan: What was done in it; one that :func:`allowed` gave.
            wake_s: What a wake cost.
            idle_s: How long it lasted.
            ended: Whether a request ended it.
        """
        spent = cost_s(plan, wake_s, idle_s, ended)
        fallback = min(idle_s, wake_s) + (wake_s if ended and idle_s > wake_s else 0.0)
        credit = self.credit_s + (1.0 + SLACK) * fallback - spent
        return Account(
            min(credit, max(MOST_WAKES * wake_s, 0.0)),
            self.spent_s + spent,
            self.fallback_s + fallback,
        )


def opened(wake_s: float) -> Account:
    """A new service's account."""
    return Account(FIRST_WAKES * wake_s)


def cost_s(plan: Plan, wake_s: float, idle_s: float, ended: bool) -> float:
    """Warm seconds of an idle time, and a wake if a request found nothing (or only a start)."""
    warm = sum(max(min(end, idle_s) - begin, 0.0) for begin, end in plan.warm_s)
    return warm + (wake_s if ended and not plan.ready_at(idle_s) else 0.0)


def allowed(plan: Plan, account: Account, wake_s: float) -> Plan:
    """The part of a plan that the account can pay for.

    Before the break-even age the keep-alive is warm: to be cold there needs the credit for a
    wake. After it the keep-alive is cold: to be warm there is paid out of the credit.

    Args:
        plan: What the forecast wants.
        account: The service's account when the idle time begins.
        wake_s: Cost of a wake, which is the break-even age as well.
    """
    if account.credit_s < wake_s:
        plan = _warm_until(plan, wake_s)
    left = account.credit_s + (1.0 + SLACK) * wake_s
    spans: list[tuple[float, float]] = []
    for begin, end in plan.warm_s:
        # Up to the break-even age the keep-alive pays as much: only what is later needs credit.
        end = min(end, max(begin, wake_s) + max(left - max(wake_s - begin, 0.0), 0.0))
        if end <= begin + (plan.start_s if begin > 0 else 0.0):
            continue
        spans.append((begin, end))
        left -= end - begin
    return Plan(tuple(spans), plan.start_s)


def _warm_until(plan: Plan, age_s: float) -> Plan:
    """The plan, but warm up to an age."""
    later = [(max(b, age_s), e) for b, e in plan.warm_s if e > age_s]
    if later and later[0][0] == age_s:
        return Plan(((0.0, later[0][1]), *later[1:]), plan.start_s)
    return Plan(((0.0, age_s), *later), plan.start_s)
