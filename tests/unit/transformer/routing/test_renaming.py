"""Names in what goes out and comes back."""

from hypothesis import given
from hypothesis import strategies as st

from pilotlight_transformer.pipeline.event import Event
from pilotlight_transformer.pipeline.route import Route
from pilotlight_transformer.routing.renaming import rename_event, with_first_field


@given(st.binary(max_size=60), st.text(max_size=200))
def test_a_protobuf_message_keeps_all_but_its_first_field(rest: bytes, name: str) -> None:
    value = name.encode()
    tail = b"\x12" + bytes([len(rest)]) + rest + b"\x18\x96\x01\x25\x01\x02\x03\x04"
    message = with_first_field(b"\x0a\x03old" + tail + b"\x0a\x05older", name)
    assert message.endswith(value + tail)
    assert message[0] == 0x0A
    again = with_first_field(message, "x")
    assert again == b"\x0a\x01x" + tail


@given(st.binary(max_size=60))
def test_any_bytes_can_be_renamed_without_an_error(message: bytes) -> None:
    assert with_first_field(message, "x").startswith(b"\x0a\x01x")


def test_an_event_of_another_protocol_keeps_its_type() -> None:
    raw = b'event: message_start\ndata: {"type":"message_start","message":{"model":"up"}}\n\n'
    renamed = rename_event(Event(raw), Route.MESSAGES, "mine")
    assert renamed.raw == raw.replace(b'"up"', b'"mine"')


def test_an_event_that_names_no_model_stays_as_it_is() -> None:
    event = Event(b'data: {"choices": []}\n\n')
    assert rename_event(event, Route.CHAT, "mine") is event
