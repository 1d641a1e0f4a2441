"""What the conditions say in each phase."""

from datetime import UTC, datetime, timedelta

import pytest

from pilotlight.api.meta import Condition
from pilotlight.api.rollout_status import InferenceRolloutStatus, Phase
from pilotlight_canary.controller.conditions import conditions
from pilotlight_canary.observation import Interval, Silence

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def said(
    status: InferenceRolloutStatus, figures: Interval | Silence | None = None
) -> dict[str, Condition]:
    found = conditions(status, (), figures, 3, NOW)
    return {condition.type: condition for condition in found}


def truths(phase: Phase) -> tuple[str, str, str, str]:
    status = InferenceRolloutStatus(phase=phase, reason="why", waiting_since=NOW)
    by_type = said(status)
    ready, moving, stalled, promoted = (
        by_type[name].status for name in ("Ready", "Reconciling", "Stalled", "Promoted")
    )
    return ready, moving, stalled, promoted


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        (Phase.IDLE, ("True", "False", "False", "Unknown")),
        (Phase.SUCCEEDED, ("True", "False", "False", "True")),
        (Phase.WATCHING, ("False", "True", "False", "True")),
        (Phase.PROGRESSING, ("False", "True", "False", "Unknown")),
        (Phase.NO_CAPACITY, ("False", "True", "False", "Unknown")),
        (Phase.ROLLING_BACK, ("False", "True", "False", "Unknown")),
        (Phase.ROLLED_BACK, ("False", "False", "True", "False")),
    ],
)
def test_each_phase_has_its_truths(phase: Phase, expected: tuple[str, str, str, str]) -> None:
    assert truths(phase) == expected


def test_a_rollout_that_found_no_room_to_the_end_is_stalled() -> None:
    by_type = said(InferenceRolloutStatus(phase=Phase.NO_CAPACITY, waiting_since=None))
    assert (by_type["Reconciling"].status, by_type["Stalled"].status) == ("False", "True")


def test_the_reason_in_words_is_the_message() -> None:
    ready = said(InferenceRolloutStatus(phase=Phase.HELD, reason="held at 0 %"))["Ready"]
    assert (ready.reason, ready.message, ready.observed_generation) == ("Held", "held at 0 %", 3)


def test_the_time_of_transition_stays_until_the_truth_changes() -> None:
    earlier = NOW - timedelta(hours=1)
    before = conditions(InferenceRolloutStatus(phase=Phase.HELD), (), None, 1, earlier)
    after = conditions(InferenceRolloutStatus(phase=Phase.WARMING), before, None, 1, NOW)
    ended = conditions(InferenceRolloutStatus(phase=Phase.SUCCEEDED), after, None, 1, NOW)
    moments = [
        next(c.last_transition_time for c in found if c.type == "Ready")
        for found in (before, after, ended)
    ]
    assert moments == [earlier, earlier, NOW]


def test_missing_figures_are_said_and_stay_said_until_some_come() -> None:
    status = InferenceRolloutStatus(phase=Phase.PROGRESSING)
    silent = said(status, Silence("Prometheus does not answer"))["Measured"]
    assert (silent.status, silent.message) == ("False", "Prometheus does not answer")
    kept = conditions(status.model_copy(update={"conditions": (silent,)}), (silent,), None, 1, NOW)
    assert silent in kept
    assert said(status, Interval(15, {}))["Measured"].status == "True"


def test_the_policys_own_conditions_are_kept() -> None:
    own = Condition(type="Held", status="True", reason="Unheld", last_transition_time=NOW)
    found = conditions(InferenceRolloutStatus(conditions=(own,)), (own,), None, 1, NOW)
    assert own in found


def test_what_was_said_of_figures_goes_with_the_end_of_the_rollout() -> None:
    progressing = InferenceRolloutStatus(phase=Phase.PROGRESSING)
    before = conditions(progressing, (), Silence("gone"), 1, NOW)
    status = InferenceRolloutStatus(phase=Phase.ROLLED_BACK, conditions=before)
    after = conditions(status, before, Silence("gone"), 1, NOW)
    assert "Measured" not in {condition.type for condition in after}
