"""The patch that makes one document of another."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pilotlight.kube.merge import merge_patch

VALUES = st.recursive(
    st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


def merged(before: Any, change: Any) -> Any:
    """RFC 7386, as it is written there."""
    if not isinstance(change, dict):
        return change
    target = dict(before) if isinstance(before, dict) else {}
    for key, value in change.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = merged(target.get(key), value)
    return target


@given(DOCUMENTS, DOCUMENTS)
def test_the_patch_leads_from_the_one_to_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert merged(before, merge_patch(before, after)) == after


@given(DOCUMENTS)
def test_between_equals_there_is_nothing_to_send(document: dict[str, Any]) -> None:
    assert merge_patch(document, document) == {}


def test_a_task_that_is_gone_is_removed() -> None:
    before = {"tasks": {"warm-up": "passed", "offline-gate": "waiting"}}
    assert merge_patch(before, {"tasks": {"warm-up": "passed"}}) == {
        "tasks": {"offline-gate": None}
    }
