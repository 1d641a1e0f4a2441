"""Events are cut at empty lines, wherever the network cuts the bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_transformer.pipeline.event import MAX_EVENT_BYTES, Event, EventSplitter

EVENTS = [b'data: {"a": 1}\n\n', b"data: \xc3\xa4\n\n", b": comment\n\n", b"data: [DONE]\n\n"]


@given(st.lists(st.sampled_from(EVENTS)), st.lists(st.integers(0, 80)), st.booleans())
def test_any_cut_gives_the_same_events(
    events: list[bytes], cuts: list[int], carriage_returns: bool
) -> None:
    text = b"".join(events)
    if carriage_returns:
        text = text.replace(b"\n", b"\r\n")
    splitter = EventSplitter()
    found, at = [], 0
    for cut in sorted({min(cut, len(text)) for cut in cuts} | {len(text)}):
        found += [event.raw for event in splitter.feed(text[at:cut])]
        at = cut
    assert found == events
    assert splitter.rest() == b""


def test_half_an_event_is_kept_until_the_end() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b'data: {"a"') == []
    assert splitter.rest() == b'data: {"a"'
    assert splitter.rest() == b""


def test_an_endless_event_is_refused() -> None:
    splitter = EventSplitter()
    splitter.feed(b"x" * MAX_EVENT_BYTES)
    with pytest.raises(ValueError, match="over"):
        splitter.feed(b"x")


def test_the_data_of_several_lines_is_joined() -> None:
    assert Event(b"event: x\ndata: a\ndata:b\n\n").data == b"a\nb"


def test_only_the_very_last_word_ends_a_stream() -> None:
    assert Event(b"data: [DONE]\n\n").done
    assert Event(b"data:[DONE]\n\n").done
    assert not Event(b'data: {"content": "[DONE]"}\n\n').done


@pytest.mark.parametrize("raw", [b"data: [1]\n\n", b"data: {\n\n", b": x\n\n", b"\n\n"])
def test_data_that_is_no_object_has_no_document(raw: bytes) -> None:
    assert Event(raw).document is None
