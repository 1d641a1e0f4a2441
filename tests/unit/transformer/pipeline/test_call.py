"""What a call says of itself, however its body is written."""

import pytest

from tests.unit.transformer.playing import a_call


@pytest.mark.parametrize(
    ("body", "streams"),
    [
        (b'{"stream":true}', True),
        (b'{ "stream" : true }', True),
        (b'{"\\u0073tream":true}', True),
        (b'{"stre\\u0061m":true}', True),
        (b'{"stream":false}', False),
        (b'{"stream":1}', False),
        (b'{"prompt":"\\"stream\\": true"}', False),
        (b'"stream"', False),
        (b'{"stream":true', False),
        (b"", False),
    ],
)
def test_a_stream_is_asked_for_in_whatever_letters_and_only_by_a_body_that_can_be_read(
    body: bytes, streams: bool
) -> None:
    assert a_call(body).stream is streams
