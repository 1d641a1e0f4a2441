"""Names in what goes out and comes back."""

from hypothesis import given
from hypothesis import strategies as st

from pilotlight_transformer.pipeline.event import Event
from pilotlight_transformer.pipeline.route import Route
from pilotlight_transformer.routing.renaming import rename_event, with_name
from pilotlight_transformer.rpc.wire import model_name


@given(st.text("abc/é", max_size=20), st.text("xyz/é", max_size=300), st.binary(max_size=60))
def test_of_a_message_a_parser_reads_the_new_name_and_all_else_is_there(
    old: str, new: str, rest: bytes
) -> None:
    tail = b"\x12" + bytes([len(rest)]) + rest
    message = with_name(with_name(b"", old) + tail, new)
    assert model_name(message) == new
    assert message.startswith(with_name(b"", old) + tail)


def test_an_event_of_another_protocol_keeps_its_type() -> None:
    raw = b'event: message_start\ndata: {"type":"message_start","message":{"model":"up"}}\n\n'
    renamed = rename_event(Event(raw), Route.MESSAGES, "mine")
    assert renamed.raw == raw.replace(b'"up"', b'"mine"')


def test_an_event_that_names_no_model_stays_as_it_is() -> None:
    event = Event(b'data: {"choices": []}\n\n')
    assert rename_event(event, Route.CHAT, "mine") is event
