"""What wakes a rollout's loop, and what does not."""

from typing import Any

import pytest

from pilotlight_canary.controller.doorbell import Doorbell, Doorbells
from pilotlight_canary.request import ANNOTATION

HOME = "models"


def document(
    kind: str, name: str, generation: int = 1, label: tuple[str, str] = ("app", "any")
) -> dict[str, Any]:
    labels = dict([label])
    metadata = {"name": name, "namespace": HOME, "generation": generation, "labels": labels}
    return {"kind": kind, "metadata": metadata, "status": {"conditions": []}}


@pytest.fixture
def bells() -> Doorbells:
    return Doorbells()


@pytest.fixture
def bell(bells: Doorbells) -> Doorbell:
    hung = bells.hang((HOME, "chat"))
    hung.target = (HOME, "llm")
    return hung


def rings(bell: Doorbell) -> bool:
    rung = bell.rung.is_set()
    bell.rung.clear()
    return rung


def test_a_changed_spec_rings_and_a_changed_status_does_not(
    bells: Doorbells, bell: Doorbell
) -> None:
    rollout = document("InferenceRollout", "chat")
    bells.saw_rollout(rollout)
    assert rings(bell)
    bells.saw_rollout(rollout | {"status": {"phase": "Held"}})
    assert not rings(bell)
    bells.saw_rollout(document("InferenceRollout", "chat", generation=2))
    assert rings(bell)


def test_a_persons_request_rings(bells: Doorbells, bell: Doorbell) -> None:
    rollout = document("InferenceRollout", "chat")
    bells.saw_rollout(rollout)
    bell.rung.clear()
    rollout["metadata"]["annotations"] = {ANNOTATION: '{"id": "1", "action": "pause"}'}
    bells.saw_rollout(rollout)
    assert rings(bell)


def test_only_the_rollout_of_a_changed_service_hears_it(bells: Doorbells, bell: Doorbell) -> None:
    other = bells.hang((HOME, "other"))
    other.target = (HOME, "another")
    bells.saw_service(document("InferenceService", "llm"))
    assert rings(bell)
    assert not rings(other)


def test_a_service_that_goes_rings(bells: Doorbells, bell: Doorbell) -> None:
    bells.saw_service(document("InferenceService", "llm"), deleted=True)
    assert rings(bell)


def test_a_revision_rings_when_it_becomes_ready_and_not_when_it_says_the_same_again(
    bells: Doorbells, bell: Doorbell
) -> None:
    label = ("serving.kserve.io/inferenceservice", "llm")
    revision = document("Revision", "llm-00002", label=label)
    bells.saw_part(revision)
    assert rings(bell)
    revision["status"] = {"conditions": [], "desiredReplicas": 3}
    bells.saw_part(revision)
    assert not rings(bell)
    revision["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
    bells.saw_part(revision)
    assert rings(bell)


def test_our_own_route_rings_its_rollout(bells: Doorbells, bell: Doorbell) -> None:
    bells.saw_part(document("Route", "llm-canary", label=("pilotlight.dev/rollout", "chat")))
    assert rings(bell)


def test_what_belongs_to_nobody_rings_nowhere(bells: Doorbells, bell: Doorbell) -> None:
    bells.saw_part(document("Revision", "stray"))
    bells.saw_service(document("InferenceService", "stray"))
    bells.ring((HOME, "unknown"))
    assert not rings(bell)


def test_a_bell_that_was_taken_down_is_silent(bells: Doorbells, bell: Doorbell) -> None:
    bells.take_down((HOME, "chat"))
    bells.saw_rollout(document("InferenceRollout", "chat"))
    assert not rings(bell)
