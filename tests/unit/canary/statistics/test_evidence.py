"""The evidence in the status, from interval to interval."""

import json

import numpy as np
import pytest
from ville.evalues import combine

from pilotlight.api.analysis import Analysis, Metric
from pilotlight.api.rollout_status import Evidence
from pilotlight_canary.observation import Counts, Interval
from pilotlight_canary.statistics import process
from pilotlight_canary.statistics.evidence import begin, update
from pilotlight_canary.statistics.plan import Check, Plan, plan_of
from pilotlight_canary.statistics.ratio import Tables
from pilotlight_canary.statistics.verdict import is_worse, progress, verdict

PLAN = Plan(
    checks=(Check("errors", 1.5, 0.005), Check("ttft", 1.2, 0.01)), strata=3, sample_ratio=False
)
STRATA = ("256", "1024", "+Inf")


def interval(*counts: tuple[str, str, int, int, int, int], **arrivals: tuple[int, int]) -> Interval:
    return Interval(15.0, {(c, s): Counts(*numbers) for c, s, *numbers in counts}, dict(arrivals))


def entry(evidence: tuple[Evidence, ...], check: str, stratum: str = "") -> Evidence:
    return next(e for e in evidence if (e.check, e.stratum) == (check, stratum))


def test_the_controller_and_the_simulation_reach_the_same_logarithms() -> None:
    random, dispersion = np.random.default_rng(7), 1.7
    evidence = begin(PLAN, {"errors": dispersion})
    rule = process.Rule(np.array(1.5), np.array(0.005), np.full((4, 1), dispersion))
    state = process.nothing((4, 3))
    for _ in range(300):
        n_c, n_s = random.poisson((5, 4, 1), (4, 3)), random.poisson((40, 40, 9), (4, 3))
        x_c, x_s = random.binomial(n_c, 0.02), random.binomial(n_s, 0.01)
        state = process.advanced(
            state, Tables(*(np.asarray(v, float) for v in (x_c, n_c, x_s, n_s))), rule
        )
        one = [("errors", s, x_c[2, i], n_c[2, i], x_s[2, i], n_s[2, i])
               for i, s in enumerate(STRATA)]  # fmt: skip
        evidence = update(evidence, interval(*one), PLAN, 10)
    logs = process.evidence_of(state, rule, np.full(3, 1 / 3))
    whole = entry(evidence, "errors")
    assert whole.log_worse == pytest.approx(logs.whole_worse[2], abs=1e-3)
    assert whole.log_good == pytest.approx(logs.whole_good[2], abs=1e-3)
    # Strata are listed in the order in which they were first seen.
    first = sorted(STRATA)
    for index, stratum in enumerate(STRATA):
        seen = entry(evidence, "errors", stratum)
        assert seen.log_worse == pytest.approx(logs.worse[2, index], abs=1e-3)
    assert [e.stratum for e in evidence if e.check == "errors"] == ["", *first]
    both = np.array([whole.log_worse, 0.0]), np.array([whole.log_good, 0.0])
    assert verdict(evidence, PLAN).progress == progress(both[1], PLAN) == 0
    assert is_worse(both[0], PLAN) == (verdict(evidence, PLAN).outcome == "worse")


def test_the_whole_is_the_mean_of_the_product_and_of_each_stratum() -> None:
    evidence = begin(PLAN, {})
    for _ in range(40):
        evidence = update(evidence, interval(("errors", "256", 3, 9, 1, 90),
                          ("errors", "1024", 0, 9, 1, 90)), PLAN, 10)  # fmt: skip
    each = np.exp([e.log_worse for e in evidence if e.check == "errors" and e.stratum])
    own = combine(np.array([*each, 1.0]))  # The third stratum has not been seen.
    assert entry(evidence, "errors").log_worse >= np.log(0.5 * own) - 1e-6


def test_the_state_does_not_grow_with_time() -> None:
    analysis = Analysis(metrics=tuple(Metric(name=n) for n in ("errors", "ttft", "cache")))
    plan = plan_of(analysis)
    evidence, sizes = begin(plan, {}), []
    for _ in range(500):
        look = [(c.name, s, 1, 9, 3, 90) for c in plan.checks for s in (*STRATA, "4096", "16384")]
        arrivals = dict.fromkeys((*STRATA, "4096", "16384"), (9, 90))
        evidence = update(evidence, interval(*look, **arrivals), plan, 10)
        sizes.append(len(json.dumps([e.model_dump(by_alias=True) for e in evidence])))
    assert len(evidence) == 24
    assert sizes[-1] < 1.1 * sizes[20] < 9000


def test_a_status_that_was_stored_and_read_goes_on_as_if_nothing_had_been() -> None:
    look = interval(("errors", "256", 1, 9, 3, 90), ("ttft", "", 2, 18, 9, 180))
    once = update(begin(PLAN, {}), look, PLAN, 10)
    again = tuple(Evidence.model_validate_json(e.model_dump_json(by_alias=True)) for e in once)
    assert update(once, look, PLAN, 10) == update(again, look, PLAN, 10)


def test_evidence_of_a_version_with_other_bets_is_kept() -> None:
    look = interval(("errors", "", 5, 20, 3, 180))
    known = entry(update(begin(PLAN, {}), look, PLAN, 10), "errors")
    older = known.model_copy(update={"worse": (9.0,), "good": (), "log_good": -0.5})
    nothing = interval(("errors", "", 0, 0, 0, 0))
    after = entry(update((older,), nothing, PLAN, 10), "errors")
    assert after.log_worse == pytest.approx(known.log_worse, abs=1e-4)
    assert after.log_good == pytest.approx(-0.5, abs=0.2)


def test_counts_are_summed_for_people() -> None:
    look = interval(("errors", "256", 1, 9, 3, 90), ("errors", "1024", 2, 10, 4, 100))
    whole = entry(update(begin(PLAN, {}), look, PLAN, 10), "errors")
    assert (whole.canary_bad, whole.canary_total) == (3, 19)
    assert (whole.stable_bad, whole.stable_total) == (7, 190)


def test_a_check_without_figures_keeps_its_evidence() -> None:
    before = update(begin(PLAN, {}), interval(("errors", "", 1, 9, 3, 90)), PLAN, 10)
    assert update(before, interval(), PLAN, 10) == before


def test_bursts_of_the_past_make_each_error_count_for_less() -> None:
    look = interval(("errors", "", 5, 20, 3, 180))
    plain = update(begin(PLAN, {}), look, PLAN, 10)
    bursty = update(begin(PLAN, {"errors": 4.0}), look, PLAN, 10)
    assert entry(bursty, "errors").worse == pytest.approx(
        [log / 4 for log in entry(plain, "errors").worse], abs=1e-5
    )


def test_more_bad_than_requests_count_as_all_of_them() -> None:
    # Requests of the interval before may fail in this one.
    many, all_ = (update((), interval(("errors", "", bad, 4, 0, 50)), PLAN, 10) for bad in (9, 4))
    assert many == all_


def test_an_unknown_check_is_left_out_and_a_missing_one_is_there() -> None:
    after = update((), interval(("cache", "", 5, 20, 3, 180)), PLAN, 10)
    assert [(e.check, e.log_good) for e in after] == [("errors", 0.0), ("ttft", 0.0)]


def test_strata_that_the_plan_does_not_know_have_no_stake_of_their_own() -> None:
    plan = Plan(checks=PLAN.checks[:1], strata=1, sample_ratio=False)
    evidence = update((), interval(("errors", "a", 0, 5, 5, 50)), plan, 10)
    for _ in range(200):
        evidence = update(evidence, interval(("errors", "a", 0, 9, 5, 90),
                          ("errors", "b", 3, 9, 1, 90)), plan, 10)  # fmt: skip
    own = entry(evidence, "errors", "b").log_worse
    assert own > 50 > entry(evidence, "errors", "a").log_worse
    assert entry(evidence, "errors").log_worse < own


@pytest.mark.parametrize("rho", [1.0, 1.5])
def test_a_better_canary_is_shown_to_be_good_at_any_rho(rho: float) -> None:
    plan = Plan(checks=(Check("errors", rho, 0.0),), sample_ratio=False)
    evidence = begin(plan, {})
    for _ in range(400):
        evidence = update(evidence, interval(("errors", "", 0, 15, 4, 135)), plan, 10)
    assert verdict(evidence, plan).outcome == "good"


def test_the_plan_follows_the_spec() -> None:
    plan = plan_of(Analysis(prompt_token_buckets=(256, 1024)))
    assert [(c.name, c.rho) for c in plan.checks] == [
        ("errors", 1.5), ("ttft", 1.2), ("inter-token-latency", 1.2)
    ]  # fmt: skip
    assert (plan.strata, plan_of(Analysis()).strata, plan.sample_ratio) == (3, 5, True)
    sticky = Analysis.model_validate({"sessionAffinity": {"header": "x-session"}})
    assert not plan_of(sticky).sample_ratio


def test_the_evidence_stays_a_number_after_weeks() -> None:
    evidence = begin(PLAN, {})
    for _ in range(60):
        look = [("errors", s, 0, 10_000, 900, 90_000) for s in STRATA]
        evidence = update(evidence, interval(*look), PLAN, 10)
    whole = entry(evidence, "errors")
    assert np.isfinite([whole.log_worse, whole.log_good]).all()
    assert whole.log_worse < -1000 < 1000 < whole.log_good
