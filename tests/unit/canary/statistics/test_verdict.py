"""What is made of the evidence."""

from math import log

import numpy as np
import pytest
from ville.evalues import combine

from pilotlight.api.rollout_status import Evidence
from pilotlight_canary.statistics.plan import Check, Plan
from pilotlight_canary.statistics.verdict import Outcome, log_against, verdict

PLAN = Plan(checks=(Check("errors", 1.5, 0.005), Check("ttft", 1.2, 0.01)), strata=2)
ENOUGH_GOOD, ENOUGH_BAD = log(20) + 1e-6, log(200) + 1e-6


def seen(check: str, worse: float = 0.0, good: float = 0.0, stratum: str = "") -> Evidence:
    return Evidence(check=check, stratum=stratum, canary_bad=30, canary_total=1000, stable_bad=90,
                    stable_total=9000, log_worse=worse, log_good=good)  # fmt: skip


def test_one_check_of_two_takes_it_back_at_twice_the_evidence() -> None:
    worse = verdict((seen("errors", ENOUGH_BAD), seen("ttft", -5.0)), PLAN)
    assert (worse.outcome, worse.check) == (Outcome.WORSE, "errors")
    assert "30 of 1000 at the canary (3 %)" in worse.sentence
    assert "1.5 times" in worse.sentence
    less = verdict((seen("errors", ENOUGH_BAD - 0.1), seen("ttft", -5.0)), PLAN)
    assert less.outcome is Outcome.CONTINUE


def test_checks_that_all_speak_against_it_need_less_each() -> None:
    logs = np.array([log(101.0), log(101.0)])
    assert np.exp(log_against(logs)) == pytest.approx(combine(np.exp(logs)))
    both = verdict((seen("errors", logs[0]), seen("ttft", logs[1])), PLAN)
    assert both.outcome is Outcome.WORSE


def test_the_stratum_that_is_to_blame_is_named() -> None:
    evidence = (seen("errors", ENOUGH_BAD), seen("errors", 1.0, stratum="256"),
                seen("errors", 8.0, stratum="+Inf"))  # fmt: skip
    found = verdict(evidence, PLAN)
    assert found.stratum == "+Inf"
    assert "longest prompts" in found.sentence


def test_it_is_good_when_every_check_is() -> None:
    good = verdict((seen("errors", good=ENOUGH_GOOD), seen("ttft", good=9.0)), PLAN)
    assert (good.outcome, good.progress, good.check) == (Outcome.GOOD, 1.0, "errors")


def test_progress_is_the_slowest_checks() -> None:
    found = verdict((seen("errors", good=9.0), seen("ttft", good=log(20) / 2)), PLAN)
    assert found.outcome is Outcome.CONTINUE
    assert found.check == "ttft"
    assert found.progress == pytest.approx(0.5)
    assert "50 % of the evidence" in found.sentence


def test_nothing_is_promoted_without_figures_of_each_check() -> None:
    for evidence in ((), (seen("errors", good=50.0),)):
        found = verdict(evidence, PLAN)
        assert (found.outcome, found.progress) == (Outcome.CONTINUE, 0.0)
    assert verdict((), Plan(checks=())).outcome is Outcome.CONTINUE


def test_a_promotion_waits_while_one_stratum_may_be_worse() -> None:
    evidence = (seen("errors", good=9.0), seen("ttft", good=9.0),
                seen("errors", worse=ENOUGH_GOOD, stratum="1024"))  # fmt: skip
    found = verdict(evidence, PLAN)
    assert (found.outcome, found.stratum) == (Outcome.CONTINUE, "1024")
    assert found.progress < 1


def test_a_wrong_split_holds_a_good_version_and_does_not_save_a_bad_one() -> None:
    split = seen("sample-ratio", worse=log(100) + 1e-6)
    good = (seen("errors", good=9.0), seen("ttft", good=9.0), split)
    assert verdict(good, PLAN).outcome is Outcome.MIS_SPLIT
    bad = (seen("errors", ENOUGH_BAD), seen("ttft"), split)
    assert verdict(bad, PLAN).outcome is Outcome.WORSE
