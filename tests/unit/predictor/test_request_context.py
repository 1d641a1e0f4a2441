"""Headers that say who asks, how urgently, and for how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import InvalidRequest, Unauthorized
from pilotlight_predictor.admission.work import Priority
from pilotlight_predictor.auth import ApiKeys
from pilotlight_predictor.request import context_from_headers


def test_defaults() -> None:
    context = context_from_headers({}, "x-tenant-id", 10.0)
    assert (context.tenant, context.priority, context.deadline_s) == (
        "default",
        Priority.INTERACTIVE,
        None,
    )
    assert len(context.request_id) == 32


def test_all_headers() -> None:
    headers = {
        "x-request-id": "abc-1",
        "x-tenant-id": "team/a",
        "x-priority": "Batch",
        "x-request-deadline-ms": "1500",
    }
    context = context_from_headers(headers, "x-tenant-id", 10.0)
    assert context.request_id == "abc-1"
    assert context.tenant == "team/a"
    assert context.priority is Priority.BATCH
    assert context.deadline_s == 11.5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-priority", "urgent"),
        ("x-request-deadline-ms", "soon"),
        ("x-request-deadline-ms", "-1"),
        ("x-request-deadline-ms", "0"),
        ("x-request-deadline-ms", "nan"),
        ("x-request-deadline-ms", "inf"),
        ("x-tenant-id", "a b"),
        ("x-tenant-id", "x" * 129),
        ("x-request-id", 'a"b'),
    ],
)
def test_a_header_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        context_from_headers({name: value}, "x-tenant-id", 0.0)
    assert caught.value.param == name
    assert name in str(caught.value)


@given(
    st.dictionaries(
        st.sampled_from(["x-priority", "x-request-deadline-ms", "x-tenant-id", "x-request-id"]),
        st.text(max_size=200),
    )
)
def test_no_header_breaks_the_server(headers: dict[str, str]) -> None:
    try:
        context = context_from_headers(headers, "x-tenant-id", 0.0)
    except InvalidRequest:
        return
    assert context.request_id
    assert context.tenant
    assert context.deadline_s is None or 0 < context.deadline_s <= 86400


def test_without_keys_everybody_passes() -> None:
    ApiKeys().check({})
    ApiKeys([""]).check({})


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", "Basic one", "one", "Bearer One"])
def test_a_wrong_key_is_refused(given: str) -> None:
    with pytest.raises(Unauthorized):
        ApiKeys(["one", "two"]).check({"authorization": given})


@pytest.mark.parametrize("given", ["Bearer one", "bearer two", "BEARER  two "])
def test_any_of_the_keys_opens(given: str) -> None:
    ApiKeys(["one", "two"]).check({"authorization": given})
