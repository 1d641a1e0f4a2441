"""What becomes of a write to a service that a rollout targets."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.api.rollout_status import Component
from pilotlight.kube.document import Document
from pilotlight_canary.admission.answer import Answer
from pilotlight_canary.admission.hold import Guard, held
from pilotlight_canary.admission.template import (
    PERCENT,
    TEMPLATE_HASH,
    recorded_hash,
    template_hash,
)

GUARD = Guard("chat")


def service(
    image: str = "a", percent: int | None = None, mark: str = "", rolled_out: str = "chat-00001"
) -> Document:
    predictor: Document = {"containers": [{"name": "kserve-container", "image": image}]}
    if percent is not None:
        predictor[PERCENT] = percent
    if mark:
        predictor["annotations"] = {TEMPLATE_HASH: mark}
    return {
        "metadata": {"name": "chat", "namespace": "models"},
        "spec": {"predictor": predictor},
        "status": {"components": {"predictor": {"latestRolledoutRevision": rolled_out}}},
    }


def both(image: str, transformer: str, rolled_out: str = "chat-t-00001") -> Document:
    document = service(image)
    document["spec"]["transformer"] = {"containers": [{"image": transformer}]}
    document["status"]["components"]["transformer"] = {"latestRolledoutRevision": rolled_out}
    return document


def applied(answer: Answer, document: Document) -> Document:
    """RFC 6902, as far as answers use it."""
    patched = deepcopy(document)
    for operation in answer.patch:
        *steps, last = (s.replace("~1", "/") for s in operation["path"].split("/")[1:])
        at: Any = patched
        for step in steps:
            at = at[step]
        if operation["op"] == "remove":
            del at[last]
        else:
            at[last] = deepcopy(operation["value"])
    return patched


def stored(old: Document, new: Document, guard: Guard = GUARD) -> Document:
    return applied(held(old, new, guard), new)


def predictor(document: Document) -> tuple[int | None, str]:
    part = document["spec"]["predictor"]
    return part.get(PERCENT), recorded_hash(document, Component.PREDICTOR)


def test_a_changed_template_is_held_at_zero_and_marked() -> None:
    new = service("b")
    answer = held(service("a"), new, GUARD)
    mark = template_hash(new, Component.PREDICTOR)
    assert predictor(applied(answer, new)) == (0, mark)
    assert answer.warnings == ()


def test_a_change_during_a_rollout_does_not_inherit_the_share() -> None:
    new = service("c", percent=25, mark="b")
    assert predictor(stored(service("b", 25, "b"), new)) == (
        0,
        template_hash(new, Component.PREDICTOR),
    )


def test_other_annotations_of_the_component_are_kept() -> None:
    new = service("b")
    new["spec"]["predictor"]["annotations"] = {"mine": "1"}
    annotations = stored(service("a"), new)["spec"]["predictor"]["annotations"]
    assert annotations == {"mine": "1", TEMPLATE_HASH: template_hash(new, Component.PREDICTOR)}


@pytest.mark.parametrize("percent", [0, 10, 100])
def test_an_unchanged_template_that_lost_its_fields_gets_them_back(percent: int) -> None:
    answer = held(service("b", percent, "b"), service("b"), GUARD)
    assert predictor(applied(answer, service("b"))) == (percent, "b")
    assert answer.warnings == ()


def test_a_percentage_written_by_hand_is_not_taken_and_a_person_is_told() -> None:
    new = service("b", 50, "b")
    answer = held(service("b", 10, "b"), new, GUARD)
    assert predictor(applied(answer, new)) == (10, "b")
    assert "50 is not taken, it is 10" in answer.warnings[0]
    assert "pilotlight rollout promote" in answer.warnings[0]


def test_a_percentage_under_100_with_nothing_new_would_be_a_rollback_and_is_not_taken() -> None:
    new = service("a", 10)
    answer = held(service("a"), new, GUARD)
    assert predictor(applied(answer, new)) == (None, "")
    assert "is left out" in answer.warnings[0]


def test_100_of_what_gets_everything_anyway_is_let_through() -> None:
    assert held(service("a"), service("a", 100), GUARD) == Answer()


def test_a_percentage_written_with_a_change_is_zero_and_a_person_is_told() -> None:
    new = service("b", 20)
    answer = held(service("a"), new, GUARD)
    assert predictor(applied(answer, new))[0] == 0
    assert "20 is not taken, it is 0" in answer.warnings[0]


@pytest.mark.parametrize("percent", [None, 0, 25])
def test_nobody_is_told_of_a_percentage_that_came_along_with_a_change(percent: int | None) -> None:
    assert held(service("b", 25, "b"), service("c", percent, "b"), GUARD).warnings == ()


def test_a_mark_written_by_hand_is_not_taken() -> None:
    assert predictor(stored(service("a"), service("a", mark="forged"))) == (None, "")
    assert predictor(stored(service("b", 10, "b"), service("b", 10, "forged"))) == (10, "b")


@pytest.mark.parametrize("old", [service("a", rolled_out=""), {**service("a"), "status": None}])
def test_nothing_is_held_while_there_is_no_rolled_out_revision(old: Document) -> None:
    assert held(old, service("b"), GUARD) == Answer()


def test_a_new_component_is_not_held_and_the_other_one_is_as_it_was() -> None:
    old, new = service("a"), both("a", "t")
    assert held(old, new, GUARD) == Answer()


def test_a_component_that_is_taken_away_holds_nothing_up() -> None:
    assert held(both("a", "t"), service("a"), GUARD) == Answer()


def test_each_component_is_held_by_itself() -> None:
    patched = stored(both("a", "t"), both("a", "u"))["spec"]
    assert patched["transformer"][PERCENT] == 0
    assert PERCENT not in patched["predictor"]


def test_both_components_are_held_when_both_change() -> None:
    patched = stored(both("a", "t"), both("b", "u"))["spec"]
    assert [patched[component][PERCENT] for component in Component] == [0, 0]


def test_both_are_refused_where_the_rollout_says_so() -> None:
    guard = Guard("chat", refuses_both=True)
    assert "change one of them" in held(both("a", "t"), both("b", "u"), guard).refusal
    assert held(both("a", "t"), both("b", "t"), guard).refusal == ""


def test_a_services_label_is_a_change_of_both() -> None:
    new = both("a", "t")
    new["metadata"]["labels"] = {"team": "a"}
    patched = stored(both("a", "t"), new)["spec"]
    assert [patched[component][PERCENT] for component in Component] == [0, 0]


def test_a_dry_run_of_a_rollout_only_says_what_it_would_do() -> None:
    answer = held(service("a"), service("b"), Guard("chat", dry_run=True))
    assert answer.patch == ()
    assert "would be held at 0 %" in answer.warnings[0]
    assert held(service("a"), service("a", 50), Guard("chat", dry_run=True)) == Answer()


def stopped(document: Document) -> Document:
    document["metadata"]["annotations"] = {"serving.kserve.io/stop": "true"}
    return document


def test_a_service_that_stops_keeps_no_share_for_its_next_start() -> None:
    answer = held(service("b", 10, "b"), stopped(service("b", 10, "b")), GUARD)
    assert predictor(applied(answer, stopped(service("b", 10, "b")))) == (None, "b")
    assert "forgets the stable version" in answer.warnings[0]


def test_nobody_is_told_of_a_stop_that_loses_nothing() -> None:
    assert held(service("a"), stopped(service("a")), GUARD).warnings == ()


SERVICES = st.builds(
    service,
    image=st.sampled_from("ab"),
    percent=st.sampled_from([None, 0, 10, 100]),
    mark=st.sampled_from(["", "0" * 16]),
)


@given(old=SERVICES, new=SERVICES)
def test_asked_again_about_its_own_answer_it_changes_nothing(old: Document, new: Document) -> None:
    first = stored(old, new)
    again = held(old, first, GUARD)
    assert again.patch == ()
    assert again.warnings == ()


@given(old=SERVICES, new=SERVICES)
def test_traffic_moves_to_a_new_template_never_in_the_write_that_brings_it(
    old: Document, new: Document
) -> None:
    hashes = [template_hash(d, Component.PREDICTOR) for d in (old, new)]
    percent, mark = predictor(stored(old, new))
    if hashes[0] != hashes[1]:
        assert (percent, mark) == (0, hashes[1])
    else:
        assert mark == recorded_hash(old, Component.PREDICTOR)
        assert percent in (old["spec"]["predictor"].get(PERCENT), 100)
