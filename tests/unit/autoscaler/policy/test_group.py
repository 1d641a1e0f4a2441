"""Pools that share a budget, through the very decisions that they make."""

from dataclasses import replace
from datetime import timedelta

from pilotlight.api.warmpool import Budget, Reason, WarmPoolPolicy
from pilotlight_autoscaler.demand import Recent
from pilotlight_autoscaler.observation import Observation, Revision
from pilotlight_autoscaler.policy.budget.allocation import HOLD_S
from pilotlight_autoscaler.policy.budget.group import group, member, share_out
from tests.unit.autoscaler.policy.pool import Pool, Told, policy, seen


def _budgeted(gpus: int = 4, priority: int = 0, **fields: object) -> WarmPoolPolicy:
    return policy(budget={"gpus": gpus, "priority": priority}, **fields)


def _sees(replicas: int, worth: float | None = None, gpus: int = 2) -> Observation:
    one = Revision("chat-1", percent=100)
    return seen(Told(replicas, worth), one, gpus_per_replica=gpus)


def _round(pools: dict[str, Pool], sees: dict[str, Observation], after_s: float) -> int:
    """One look of all pools, as the controller does it; the GPUs claimed after it."""
    members = [
        one
        for name, pool in pools.items()
        if (
            one := member(
                name, pool.spec, pool.status, sees[name], pool.now + timedelta(seconds=after_s)
            )
        )
    ]
    grants = share_out(members)
    for name, pool in pools.items():
        granted = grants[name].replicas if name in grants else None
        pool.look(replace(sees[name], granted=granted), after_s)
    return sum(2 * sum(pool.claimed.values()) for pool in pools.values())


def test_the_more_costly_miss_has_the_gpus_and_the_other_says_why_not() -> None:
    pools = {"dear": Pool(_budgeted()), "cheap": Pool(_budgeted())}
    sees = {"dear": _sees(2, 5.0), "cheap": _sees(1, 2.0)}
    _round(pools, sees, 0)
    assert pools["dear"].claimed == {"chat-1": 2}
    assert pools["cheap"].claimed == {"chat-1": 0}
    assert pools["cheap"].status.reason is Reason.BUDGET
    assert pools["cheap"].status.message == "the budget allows 0 replicas; wanted are 1: told"
    assert pools["cheap"].condition("WithinBudget") == "False"


def test_a_challenger_waits_until_the_incumbent_has_let_go() -> None:
    pools = {"old": Pool(_budgeted(2)), "new": Pool(_budgeted(2))}
    sees = {"old": _sees(1, 1.0), "new": _sees(0)}
    _round(pools, sees, 0)
    sees["new"] = _sees(1, 50.0)
    history = []
    for _ in range(int(HOLD_S // 15) + 3):
        assert _round(pools, sees, 15) <= 2
        history.append((pools["old"].status.floor, pools["new"].status.floor))
    assert list(dict.fromkeys(history)) == [(1, 0), (0, 0), (0, 1)]


def test_without_an_answer_of_the_budget_nothing_new_is_held() -> None:
    pool = Pool(_budgeted())
    pool.look(_sees(2))
    assert (pool.status.floor, pool.status.reason) == (0, Reason.BUDGET)
    pool.look(replace(_sees(2), granted=1), 15)
    pool.look(_sees(2), 15)
    assert pool.status.floor == 1


def test_a_dry_run_takes_nothing_and_hears_what_it_would_get() -> None:
    pools = {"live": Pool(_budgeted(2)), "dry": Pool(_budgeted(2, mode="DryRun"))}
    sees = {"live": _sees(1, 1.0), "dry": _sees(1, 50.0)}
    _round(pools, sees, 0)
    assert pools["live"].claimed == {"chat-1": 1}
    assert pools["dry"].claimed == {}
    assert pools["dry"].status.floor == 1


def test_of_differing_budgets_the_smallest_holds() -> None:
    pools = {"a": Pool(_budgeted(2)), "b": Pool(_budgeted(100))}
    assert _round(pools, {"a": _sees(1), "b": _sees(1)}, 0) == 2


def test_a_service_that_woke_often_is_worth_more_than_one_that_did_not() -> None:
    def sees(*gaps_s: float) -> Observation:
        return seen(
            1,
            Revision("chat-1", percent=100),
            recent=Recent(gaps_s=gaps_s),
            gpus_per_replica=2,
        )

    pools = {"seldom": Pool(_budgeted(2)), "often": Pool(_budgeted(2))}
    _round(pools, {"seldom": sees(20000.0, 30000.0), "often": sees(600.0, 700.0)}, 0)
    assert pools["often"].status.floor == 1
    assert pools["seldom"].status.floor == 0


def test_a_rollout_asks_for_what_it_holds_on_both_versions() -> None:
    both = (Revision("chat-1", percent=90), Revision("chat-2", percent=10))
    pools = {"chat": Pool(_budgeted(4))}
    _round(pools, {"chat": seen(1, *both, gpus_per_replica=2)}, 0)
    assert pools["chat"].claimed == {"chat-1": 1, "chat-2": 1}


def test_a_pool_without_a_budget_or_a_target_asks_for_nothing() -> None:
    pool = Pool(policy())
    assert member("a", pool.spec, pool.status, _sees(2), pool.now) is None
    gone = member("a", _budgeted(), pool.status, Observation(service=None), pool.now)
    assert gone is not None
    assert gone.ask.replicas == 0


def test_a_group_is_a_namespace_or_a_name() -> None:
    assert group("models", Budget(gpus=1)) != group("others", Budget(gpus=1))
    named = Budget(gpus=1, group="models")
    assert group("a", named) == group("b", named) != group("models", Budget(gpus=1))
