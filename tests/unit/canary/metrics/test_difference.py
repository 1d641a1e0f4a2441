"""Counter differences between two looks."""

import pytest

from pilotlight_canary.metrics.difference import GONE_AFTER_S, Counted, counted
from pilotlight_canary.metrics.snapshot import Counter, Instance, Look, Reading
from pilotlight_canary.observation import Silence
from tests.unit.canary.metrics.looks import C1, C2, CANARY, S1, STABLE, look

N: Counter = ("n",)


def compare(before: Look, after: Look, at: float = 15.0) -> Counted | Silence:
    return counted(before, after, (CANARY, STABLE), asked_at=at, stale_after_s=90)


def numbers(before: Look, after: Look, at: float = 15.0) -> dict[str, float]:
    found = compare(before, after, at)
    assert isinstance(found, Counted), found
    return {revision: own.get(N, 0.0) for revision, own in found.by_revision.items()}


def reason(before: Look, after: Look, at: float = 15.0) -> str:
    found = compare(before, after, at)
    assert isinstance(found, Silence)
    return found.reason


BEFORE = look(0, {C1: {N: 5}, S1: {N: 100}})


def test_differences_are_summed_over_pods() -> None:
    before = look(0, {C1: {N: 5}, C2: {N: 1}, S1: {N: 100}})
    after = look(15, {C1: {N: 7}, C2: {N: 2}, S1: {N: 110}})
    assert numbers(before, after) == {CANARY: 3, STABLE: 10}


def test_a_counter_that_was_not_there_was_0() -> None:
    before = look(0, {C1: {}, S1: {N: 100}})
    assert numbers(before, look(15, {C1: {N: 2}, S1: {N: 100}})) == {CANARY: 2, STABLE: 0}


def test_a_counter_that_fell_began_anew() -> None:
    assert numbers(BEFORE, look(15, {C1: {N: 2}, S1: {N: 101}})) == {CANARY: 2, STABLE: 1}


def test_a_later_start_is_seen_even_if_no_counter_fell() -> None:
    before = Look({C1: Reading(0, {N: 5}, started_at=-50), S1: Reading(0, {N: 100})})
    after = Look({C1: Reading(15, {N: 9}, started_at=3), S1: Reading(15, {N: 101})})
    assert numbers(before, after)[CANARY] == 9


def test_a_sum_that_fell_says_nothing() -> None:
    total = Instance(CANARY, "")
    before = Look({total: Reading(0, {N: 500}, is_sum=True), S1: Reading(0, {N: 1})})
    after = Look({total: Reading(15, {N: 400}, is_sum=True), S1: Reading(15, {N: 2})})
    assert "twice yet" in reason(before, after)


def test_a_pod_that_began_since_the_last_look_counts_whole() -> None:
    after = Look(
        {
            C1: Reading(15, {N: 6}),
            C2: Reading(15, {N: 4}, started_at=8),
            S1: Reading(15, {N: 101}),
        }
    )
    assert numbers(BEFORE, after)[CANARY] == 5


def test_a_pod_that_was_only_unseen_does_not_bring_its_past() -> None:
    after = Look(
        {
            C1: Reading(15, {N: 6}),
            C2: Reading(15, {N: 9000}, started_at=-900),
            S1: Reading(15, {N: 101}),
        }
    )
    assert numbers(BEFORE, after)[CANARY] == 1


def test_a_pod_that_went_away_takes_nothing_back() -> None:
    before = look(0, {C1: {N: 5}, C2: {N: 50}, S1: {N: 100}})
    assert numbers(before, look(15, {C1: {N: 6}, S1: {N: 101}}))[CANARY] == 1


def test_replaced_pods_go_on() -> None:
    after = Look({C2: Reading(15, {N: 3}, started_at=4), S1: Reading(15, {N: 101})})
    assert numbers(BEFORE, after) == {CANARY: 3, STABLE: 1}


def test_old_figures_say_nothing_of_now() -> None:
    assert "100 s old" in reason(BEFORE, look(15, {C1: {N: 6}, S1: {N: 101}}), at=115)


def test_unmoved_figures_are_no_new_ones() -> None:
    assert "no new figures" in reason(BEFORE, look(0, {C1: {N: 5}, S1: {N: 100}}))


def test_figures_of_different_times_are_not_compared() -> None:
    after = Look({C1: Reading(0, {N: 5}), S1: Reading(15, {N: 130})})
    assert "not of the same time" in reason(BEFORE, after)


def test_a_pod_that_does_not_answer_silences_its_source_but_not_for_ever() -> None:
    after = Look({S1: Reading(15, {N: 101}), C2: Reading(15, {N: 1}, 5)}, frozenset({C1}))
    assert "c1 does not tell" in reason(BEFORE, after)
    late = GONE_AFTER_S + 1
    after = Look({S1: Reading(late, {N: 101}), C2: Reading(late, {N: 1}, 5)}, frozenset({C1}))
    assert numbers(BEFORE, after, at=late)[CANARY] == 1


def test_a_pod_that_never_answered_is_not_waited_for() -> None:
    after = Look({C1: Reading(15, {N: 6}), S1: Reading(15, {N: 101})}, frozenset({C2}))
    assert numbers(BEFORE, after)[CANARY] == 1


@pytest.mark.parametrize("missing", [None, Silence("gone")])
def test_a_silent_source_is_silent(missing: Silence | None) -> None:
    found = counted(BEFORE, missing, (CANARY, STABLE), asked_at=15, stale_after_s=90)
    assert isinstance(found, Silence)
