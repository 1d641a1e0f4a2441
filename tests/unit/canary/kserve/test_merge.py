"""A merge patch makes one document of another."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pilotlight_canary.kserve.merge import merge_patch

VALUES = st.integers() | st.text(max_size=2) | st.lists(st.integers(), max_size=2)
DOCUMENTS = st.dictionaries(
    st.sampled_from("abc"),
    VALUES | st.dictionaries(st.sampled_from("xyz"), VALUES, min_size=1, max_size=2),
)


def applied(target: Any, change: Any) -> Any:
    """RFC 7386, section 2."""
    if not isinstance(change, dict):
        return change
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = applied(result.get(name), value)
    return result


@given(DOCUMENTS, DOCUMENTS)
def test_a_patch_leads_from_one_to_the_other(now: dict[str, Any], then: dict[str, Any]) -> None:
    assert applied(now, merge_patch(now, then)) == then


@given(DOCUMENTS)
def test_between_equals_there_is_nothing_to_send(now: dict[str, Any]) -> None:
    assert merge_patch(now, now) == {}
