"""What a person sees of a rollout."""

from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from pilotlight.api.rollout_status import (
    Component,
    ComponentRecord,
    InferenceRolloutStatus,
    Phase,
)
from pilotlight.terminal.numbers import count, percent, span
from pilotlight_canary.view.bar import Bar
from pilotlight_canary.view.listing import history, listing
from pilotlight_canary.view.observer import REVISION_LABEL, event_seen, pod_seen
from pilotlight_canary.view.seen import ControllerSeen, EventSeen, PodSeen, Seen
from pilotlight_canary.view.status import render
from pilotlight_canary.view.wording import MEANINGS, TONES
from tests.unit.canary.view.courses import (
    CANARY,
    PROMOTED,
    STABLE,
    START,
    TAKEN_BACK,
    at_look,
    rollout,
    statuses,
)

POD = PodSeen("canary-pod", CANARY, "ready", ready=True, restarts=0, created_at=START)


def _seen(look: int, bad: bool = False, **spec: object) -> Seen:
    course = statuses(TAKEN_BACK if bad else PROMOTED, bad)
    look %= len(course)
    status = course[look]
    traffic = {STABLE: 100 - status.weight, CANARY: status.weight}
    return Seen(rollout(status, **spec), at_look(look), traffic, pods=(POD,))


def _text(seen: Seen, width: int = 100) -> str:
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(render(seen))
    return capture.get()


def test_every_phase_has_words_and_a_colour() -> None:
    assert set(TONES) == set(MEANINGS) == set(Phase)


@pytest.mark.parametrize("width", [60, 80, 100, 160])
@pytest.mark.parametrize("look", [0, 8, 14, 25, -3, -1])
def test_it_fits_the_terminal(width: int, look: int) -> None:
    shown = _text(_seen(look), width)
    assert max(map(len, shown.splitlines())) <= width


def test_an_idle_rollout_shows_nothing_that_is_not_there() -> None:
    shown = _text(Seen(rollout(InferenceRolloutStatus()), START))
    assert "nothing is rolled out" in shown
    assert "canary" not in shown


def test_what_serves_is_shown_while_nothing_is_rolled_out_and_after_a_promotion() -> None:
    record = ComponentRecord(stable=STABLE)
    idle = InferenceRolloutStatus(components={Component.PREDICTOR: record})
    assert f"serves  {STABLE}" in _text(Seen(rollout(idle), START, {STABLE: 100}))
    ended = statuses(PROMOTED)[-1].model_copy(update={"stable_revision": CANARY})
    shown = _text(Seen(rollout(ended), START, {CANARY: 100}))
    assert f"serves  {CANARY}" in shown
    assert "old" not in shown


def test_an_event_takes_one_line_however_much_it_says() -> None:
    event = EventSeen(START, "RolledBack", "for a reason that\nis long " * 20)
    before, after = _text(_seen(14)), _text(replace(_seen(14), events=(event,)))
    assert len(after.splitlines()) == len(before.splitlines()) + 1


def test_steps_that_are_done_under_way_and_to_come_are_told_apart() -> None:
    assert "✓ 5 %   ● 10 %   ○ 25 %   ○ 50 %   ○ 100 %" in _text(_seen(14))
    assert "✓ 5 %   ✗ 10 %   ○ 25 %" in _text(_seen(-1, bad=True))
    assert "✓ 50 %   ✓ 100 %" in _text(_seen(-1))


def test_a_share_that_the_gateway_does_not_have_yet_is_in_brackets() -> None:
    assert "(10 %)" in _text(replace(_seen(14), traffic={}))
    assert "(10 %)" not in _text(_seen(14))


def test_the_stratum_to_blame_has_a_line_of_its_own() -> None:
    assert "prompts ≤ 512" in _text(_seen(-1))
    assert "prompts ≤ 512" not in _text(_seen(8))


def test_a_pod_that_cannot_start_is_shown_with_why() -> None:
    crashing = replace(POD, state="CrashLoopBackOff", ready=False, restarts=3)
    shown = _text(replace(_seen(5), pods=(crashing,)))
    assert "0 of 1 pod ready" in shown
    assert "CrashLoopBackOff  canary-pod" in shown
    assert "3 restarts" in shown


def test_what_needs_to_be_known_is_noted() -> None:
    lost = ControllerSeen(False, "its lease is gone")
    seen = replace(_seen(14, suspend=True, mode="DryRun"), controller=lost, notes=("no pods",))
    shown = _text(seen)
    for part in ("suspended", "dry run", "no controller runs: its lease is gone", "no pods"):
        assert part in shown


def test_after_a_promotion_it_says_for_how_long_one_can_go_back() -> None:
    assert "the old version stays warm for 10m more" in _text(_seen(-3))


def test_the_last_events_are_shown_the_newest_last() -> None:
    events = tuple(EventSeen(START + timedelta(seconds=i), f"Event{i}", "m") for i in range(9))
    shown = _text(replace(_seen(14), events=events))
    assert "Event3" not in shown
    assert shown.index("Event4") < shown.index("Event8")


def test_the_list_and_the_history_have_a_line_each() -> None:
    console = Console(width=120, force_terminal=False)
    ended = statuses(TAKEN_BACK, bad=True)[-1]
    with console.capture() as capture:
        console.print(listing([rollout(statuses(PROMOTED)[14]), rollout()], at_look(20)))
        console.print(history(ended.history, at_look(80)))
    shown = capture.get()
    assert "Progressing" in shown
    assert "2/4" in shown
    assert "5m 15s ago" in shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (-5, "0s"), (42, "42s"), (60, "1m"), (72, "1m 12s"), (3600, "1h"),
     (3905, "1h 5m"), (90061, "1d 1h")],
)  # fmt: skip
def test_times_have_two_units_at_most(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (999, "999"), (3610, "3.6k"), (41_000, "41k"), (1.2e6, "1.2M")]
)
def test_counts_are_short(number: int, text: str) -> None:
    assert count(int(number)) == text


@pytest.mark.parametrize(
    ("bad", "total", "text"),
    [(0, 0, "-"), (0, 10, "0 %"), (1, 10, "10 %"), (1, 100, "1 %"), (1, 300, "0.33 %")],
)
def test_shares_have_two_telling_digits(bad: int, total: int, text: str) -> None:
    assert percent(bad, total) == text


@pytest.mark.parametrize("fraction", [-1, 0, 0.001, 0.5, 0.999, 1, 7])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_bar_has_the_width_that_it_is_given(fraction: float, ascii_only: bool) -> None:
    filled, empty = Bar(fraction, "red").text(20, ascii_only)
    assert len(filled + empty) == 20


def _pod(**status: object) -> dict[str, object]:
    metadata = {"name": "a", "labels": {REVISION_LABEL: CANARY},
                "creationTimestamp": "2026-11-21T12:00:00Z"}  # fmt: skip
    return {"metadata": metadata, "spec": {}, "status": status}


def _container(**state: object) -> list[dict[str, object]]:
    return [{"state": state, "restartCount": 2}]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({}, "container starts"),
        ({"conditions": [{"type": "PodScheduled", "status": "False", "message": "no GPU"}]},
         "no room: no GPU"),
        ({"containerStatuses": _container(waiting={"reason": "ContainerCreating"})},
         "container starts"),
        ({"containerStatuses": _container(waiting={"reason": "CrashLoopBackOff"})},
         "CrashLoopBackOff"),
        ({"containerStatuses": _container(running={})}, "model loads"),
        ({"containerStatuses": _container(running={}),
          "conditions": [{"type": "Ready", "status": "True"}]}, "ready"),
    ],
)  # fmt: skip
def test_a_pod_is_shown_in_the_state_that_people_wait_for(
    status: dict[str, object], state: str
) -> None:
    assert pod_seen(_pod(**status)).state == state


@pytest.mark.parametrize("field", ["lastTimestamp", "eventTime", "firstTimestamp"])
def test_an_event_has_a_time_whichever_is_set(field: str) -> None:
    event = {"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z"}, "type": "Warning",
             "reason": "R", "message": "m", field: "2026-11-21T12:00:00.000000Z"}  # fmt: skip
    assert event_seen(event) == EventSeen(START, "R", "m", warning=True)
