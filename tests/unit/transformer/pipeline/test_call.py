"""What a call says of itself, however its body is written."""

from pathlib import Path

import pytest

from pilotlight_transformer.pipeline.call import DEEPEST, NestedTooDeeply
from tests.unit.transformer.playing import Play, a_call


def nested(levels: int) -> bytes:
    """A chat's body of so many levels."""
    inner = b"[" * (levels - 3) + b"]" * (levels - 3)
    return b'{"model":"m","messages":[{"role":"user","content":"a","z":%s}]}' % inner


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


def test_a_body_has_so_many_levels_and_no_more() -> None:
    assert a_call(nested(DEEPEST)).document["model"] == "m"
    for levels in (DEEPEST + 1, 300, 1_000):
        with pytest.raises(NestedTooDeeply, match="200 levels"):
            a_call(nested(levels)).document  # noqa: B018


def test_brackets_beside_each_other_and_in_texts_are_no_levels() -> None:
    wide = b'{"model":"m","a":[%s{}],"b":"%s"}' % (b"[[]]," * 500, b"[{" * 500)
    assert a_call(wide).document["model"] == "m"


@pytest.mark.parametrize(
    "step",
    [
        "conversation: {}",
        "format: {max_characters: 5}",
        "route: {models: {m: {url: http://small.models, model: other}}, own_model: false}",
    ],
)
async def test_no_step_lets_a_body_pass_that_is_too_deep(tmp_path: Path, step: str) -> None:
    for levels in (DEEPEST + 1, 252, 253, 254, 255, 300):
        async with Play(f"- {step}", tmp_path) as play:
            body = nested(levels)[:-1] + b',"conversation_id":"c"}'
            refused = await play.send(a_call(body))
        assert (refused.status, refused.document["error"]["code"]) == (400, "invalid_request")
        assert not play.predictor.asked
