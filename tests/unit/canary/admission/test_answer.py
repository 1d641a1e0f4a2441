"""AdmissionReviews, read and written."""

import base64
import json
from typing import Any

import pytest

from pilotlight_canary.admission.answer import LONGEST_WARNING, Answer, question_of, review_of

REVIEW: dict[str, Any] = {
    "request": {
        "uid": "1",
        "operation": "UPDATE",
        "namespace": "a",
        "name": "b",
        "userInfo": {"username": "u"},
        "object": {"spec": {}},
        "oldObject": None,
    }
}


def response(answer: Answer) -> dict[str, Any]:
    review = review_of(question_of(REVIEW), answer)
    assert review["response"]["uid"] == "1"
    found: dict[str, Any] = review["response"]
    return found


def test_a_question_is_read() -> None:
    question = question_of(REVIEW)
    assert (question.user, question.namespace, question.name) == ("u", "a", "b")
    assert question.old == {}
    assert not question.dry_run


@pytest.mark.parametrize("review", [None, [], {}, {"request": None}, {"request": {"uid": "1"}}])
def test_what_is_no_review_is_said_to_be_none(review: Any) -> None:
    with pytest.raises(ValueError, match="not an AdmissionReview"):
        question_of(review)


def test_a_patch_is_carried_in_base64() -> None:
    operation = {"op": "remove", "path": "/spec/a"}
    found = response(Answer((operation,)))
    assert found["allowed"]
    assert json.loads(base64.b64decode(found["patch"])) == [operation]


def test_a_refusal_says_why_and_changes_nothing() -> None:
    found = response(Answer(({"op": "remove", "path": "/spec/a"},), refusal="no: write b"))
    assert not found["allowed"]
    assert found["status"]["message"] == "no: write b"
    assert "patch" not in found


def test_a_warning_is_no_longer_than_the_api_server_passes_on() -> None:
    assert len(response(Answer(warnings=("x" * 9999,)))["warnings"][0]) == LONGEST_WARNING
