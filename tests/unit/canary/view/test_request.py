"""A person's request travels as an annotation that anybody could have written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_canary.observation import Action, Request
from pilotlight_canary.request import ANNOTATION, request_of, text_of


def _document(value: str) -> dict[str, object]:
    return {"metadata": {"annotations": {ANNOTATION: value}}}


@given(st.text(min_size=1, max_size=64), st.sampled_from(Action), st.text())
def test_a_request_arrives_as_it_was_sent(id_: str, action: Action, by: str) -> None:
    request = Request(id_, action, by)
    assert request_of(_document(text_of(request))) == request


@pytest.mark.parametrize(
    "value",
    [
        "", "pause", "[]", "null", "{}", '{"id": "1"}', '{"id": 1, "action": "pause"}',
        '{"id": "", "action": "pause"}', '{"id": "1", "action": "explode"}',
        '{"id": "1", "action": ["pause"]}', '{"id": "1", "action": "pause", "by": 5}',
        json.dumps({"id": "x" * 65, "action": "pause"}),
    ],
)  # fmt: skip
def test_nonsense_is_no_request(value: str) -> None:
    assert request_of(_document(value)) is None


@pytest.mark.parametrize("document", [{}, {"metadata": None}, {"metadata": {"annotations": None}}])
def test_without_the_annotation_there_is_no_request(document: dict[str, object]) -> None:
    assert request_of(document) is None
