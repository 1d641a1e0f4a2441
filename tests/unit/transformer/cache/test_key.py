"""The cache never returns another key's answer, whatever the bodies and tenants are."""

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight_transformer.caching.key import Scope, canonical, request_key
from pilotlight_transformer.pipeline.call import Call, Identity
from tests.unit.transformer.cache.kit import a_question, playing, x_cache
from tests.unit.transformer.playing import PlayedPredictor, a_call, chat_answer, chat_stream

SAME = [
    (b'{"a":1,"b":2}', b'{ "b" : 2,\n"a":1 }'),
    (b'{"a":"\\u00e9"}', '{"a":"é"}'.encode()),
    (b'{"a":"\\ud83d\\ude00"}', '{"a":"😀"}'.encode()),
    (b'{"a":1.50}', b'{"a":15e-1}'),
]
DIFFERENT = [
    (b'{"a":1}', b'{"a":1.0}'),
    (b'{"a":1}', b'{"a":true}'),
    (b'{"a":0}', b'{"a":false}'),
    (b'{"a":1}', b'{"a":"1"}'),
    (b'{"a":null}', b"{}"),
    (b'{"a":0.0}', b'{"a":-0.0}'),
    (b'{"a":123456789012345678901234567890}', b'{"a":123456789012345678901234567891}'),
    (b'{"a":"\\u00e9"}', b'{"a":"e\\u0301"}'),
    (b'{"a":[1,2]}', b'{"a":[2,1]}'),
    (b'{"a":["1","2"]}', b'{"a":["1,2"]}'),
    (b'{"a":"\\ud800"}', b'{"a":"\\ud801"}'),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_value_in_two_spellings_has_one_form(one: bytes, other: bytes) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_values_never_have_one_form(one: bytes, other: bytes) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":1,"\\u0061":2}',
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":' + b"9" * 5_000 + b"}",
        b'{"a":"\xed\xa0\x80"}',
        b"[" * 100_000,
    ],
)
def test_what_can_be_read_in_two_ways_has_no_key(body: bytes) -> None:
    assert _key(a_call(body)) is None


async def test_a_key_that_is_there_twice_goes_to_the_model(tmp_path: Path) -> None:
    body = b'{"model":"m","temperature":0,"seed":1,"messages":[],"messages":[]}'
    async with playing(tmp_path) as play:
        for _ in range(2):
            assert x_cache(await play.send(a_call(body))) == "bypass"


def test_each_part_of_a_request_parts_the_keys() -> None:
    keys = {
        _key(a_call(b"{}")),
        _key(a_call(b"{}"), namespace="n"),
        _key(a_call(b"{}", path="/v1/completions")),
        _key(a_call(b'{"stream":true}')),
        _key(a_call(b'{"stream_options":null}')),
        _key(a_call(b"{}", identity=Identity("a", "b"))),
        _key(a_call(b"{}", identity=Identity("a", "b")), scope="key"),
        _key(a_call(b"{}", identity=Identity("a", "b")), scope="everyone"),
        _key(a_call(b"{}", identity=Identity("a,b", ""))),
        _key(a_call(b"{}", headers={"x-api-key": "1"})),
        _key(a_call(b"{}", headers={"authorization": "1"})),
    }
    assert len(keys) == 11


def _key(call: Call, scope: Scope = "tenant", namespace: str = "") -> str | None:
    return request_key(call, scope=scope, namespace=namespace)


_LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
)
_LEAVES = _LEAVES.filter(lambda leaf: leaf not in {float("inf"), float("-inf")})
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(_VALUES, _VALUES)
def test_canonical_forms_are_equal_only_for_equal_values(one: object, other: object) -> None:
    forms = [canonical(json.dumps(value).encode()) for value in (one, other)]
    assert (forms[0] == forms[1]) == (_typed(one) == _typed(other))


@given(_VALUES)
def test_the_form_does_not_depend_on_the_spelling(value: object) -> None:
    plain = json.dumps(value, ensure_ascii=False)
    spaced = json.dumps(_turned(value), indent=2)
    assert canonical(plain.encode("utf-8", "surrogatepass")) == canonical(spaced.encode())


def _turned(value: object) -> object:
    """The same value, with its keys the other way round."""
    if isinstance(value, dict):
        return {key: _turned(value[key]) for key in reversed(value)}
    return [_turned(inner) for inner in value] if isinstance(value, list) else value


def _typed(value: object) -> object:
    """``value`` so that Python's ``==`` tells apart what JSON does."""
    if isinstance(value, dict):
        return "object", tuple(sorted((key, _typed(inner)) for key, inner in value.items()))
    if isinstance(value, list):
        return "array", tuple(_typed(inner) for inner in value)
    return type(value).__name__, repr(value)


# Few texts, tenants and parameters, so that equal requests come often.
_REQUESTS = st.tuples(
    st.sampled_from(["a", "b", "ä", "a "]),
    st.sampled_from(["one", "two"]),
    st.fixed_dictionaries(
        {},
        optional={
            "seed": st.sampled_from([1, 2]),
            "max_tokens": st.sampled_from([1, 1.0, True, None]),
            "stream": st.booleans(),
            "stop": st.sampled_from(["x", ["x"], []]),
        },
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_REQUESTS, max_size=12), st.booleans())
def test_every_answer_is_the_one_that_this_very_request_would_get(
    requests: list[tuple[str, str, dict[str, object]]], at_once: bool
) -> None:
    async def run() -> None:
        with TemporaryDirectory() as folder:
            predictor = PlayedPredictor(
                lambda call: chat_stream(_told(call)) if call.stream else chat_answer(_told(call))
            )
            async with playing(Path(folder), predictor) as play:
                calls = [
                    a_call(a_question(text, **more), identity=Identity(tenant, "s"))  # type: ignore[arg-type]
                    for text, tenant, more in requests
                ]
                expected = [_told(call) for call in calls]
                if at_once:
                    clients = await asyncio.gather(*(play.send(call) for call in calls))
                else:
                    clients = [await play.send(call) for call in calls]
                for call, client, told in zip(calls, clients, expected, strict=True):
                    choice = None if call.stream else client.document["choices"][0]
                    content = client.text if choice is None else choice["message"]["content"]
                    assert content == told

    asyncio.run(run())


def _told(call: Call) -> str:
    """All that makes a request what it is; the played model says it back."""
    document = json.loads(call.body)
    if not document.get("stream"):
        document.pop("stream", None)
    return repr((call.identity.tenant, sorted(document.items())))
