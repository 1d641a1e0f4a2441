"""The step validate: what is wrong is a 400 that names the field; the rest goes on as it is."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilotlight.clock import SystemClock
from pilotlight.errors import InvalidRequest, UsageError
from pilotlight_transformer.pipeline.call import Identity
from pilotlight_transformer.pipeline.step import Surroundings
from pilotlight_transformer.steps.validate import ValidateStep
from pilotlight_transformer.stores.stores import Stores, StoreSettings
from pilotlight_transformer.validation.body import check_unambiguous
from pilotlight_transformer.validation.parameters import SHAPES
from pilotlight_transformer.validation.settings import ValidateSettings
from tests.unit.transformer.playing import (
    Play,
    PlayedClient,
    PlayedPredictor,
    a_call,
    a_chat,
    chat_answer,
)
from tests.unit.transformer.validate.a_tokenizer import make_model


async def refused(
    folder: Path, body: dict[str, Any] | bytes, settings: str = "{}", **request: Any
) -> tuple[str | None, str]:
    """Param and message of the 400 that a body gets."""
    async with Play(f"- validate: {settings}", folder) as play:
        client = await play.send(a_call(body, **request))
    assert client.status == 400, client.body
    assert not play.predictor.asked
    error = client.document["error"]
    assert error["type"] == "invalid_request_error"
    return error["param"], error["message"]


async def passed(
    folder: Path, body: dict[str, Any] | bytes, settings: str = "{}", **request: Any
) -> bytes:
    """What goes on of a body."""
    async with Play(f"- validate: {settings}", folder) as play:
        client: PlayedClient = await play.send(a_call(body, **request))
    assert client.status == 200, client.body
    return play.predictor.asked[0].payload()


async def test_what_needs_no_change_goes_on_byte_for_byte(tmp_path: Path) -> None:
    body = b'{ "model":"assistant",\n "messages" : [{"role":"user","content":"h\\u00e9 \\u0041"}], '
    body += b'"temperature":1.0e0, "seed": 7, "mine": {"a": [1]}}'
    assert await passed(tmp_path, body) == body


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": ["hello"]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "root", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "u"}]}]},
            "messages[0].content[0].type",
        ),
        (
            {"messages": [{"role": "user", "content": [{"image_url": "http://169.254.0.1"}]}]},
            "messages[0].content[0]",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]},
            "messages[0].tool_calls[0].function",
        ),
        ({"messages": [{"role": "user", "content": "x", "tool_calls": []}]}, None),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 2.5}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"seed": 10**30}, "seed"),
        ({"n": 0}, "n"),
        ({"stop": [1]}, "stop"),
        ({"stream": "true"}, "stream"),
        ({"tools": {}}, "tools"),
        ({"tools": [5]}, "tools"),
        ({"chat_template": "{{ 1 }}"}, "chat_template"),
    ],
)
async def test_a_chat_that_is_wrong_names_the_field(
    tmp_path: Path, change: dict[str, Any], param: str | None
) -> None:
    named, _ = await refused(tmp_path, {**a_chat(), **change})
    assert named == (param or "messages[0].tool_calls")


@pytest.mark.parametrize(
    ("body", "path", "param"),
    [
        ({"model": "m"}, "/v1/completions", "prompt"),
        ({"prompt": []}, "/v1/completions", "prompt"),
        ({"prompt": ["a", [1]]}, "/v1/completions", "prompt[1]"),
        ({"prompt": [[1], "a"]}, "/v1/completions", "prompt[1]"),
        ({"prompt": [1, -1]}, "/v1/completions", "prompt[0]"),
        ({"prompt": [True]}, "/v1/completions", "prompt[0]"),
        ({"prompt": "a", "prompt_embeds": "x"}, "/v1/completions", "prompt_embeds"),
        ({"prompt": "a", "logprobs": True}, "/v1/completions", "logprobs"),
        ({"input": {"text": "a"}}, "/v1/embeddings", "input"),
        ({**a_chat(), "input": "a"}, "/v1/embeddings", "input"),
        ({"input": ["a", ""], "dimensions": 0}, "/v1/embeddings", "dimensions"),
    ],
)
async def test_prompts_and_inputs_that_are_wrong_name_the_field(
    tmp_path: Path, body: dict[str, Any], path: str, param: str
) -> None:
    named, _ = await refused(tmp_path, body, path=path)
    assert named == param


@pytest.mark.parametrize("prompt", ["a", ["a", "b"], [1, 2], [[1], [2, 3]]])
async def test_all_four_kinds_of_prompts_and_inputs_pass(tmp_path: Path, prompt: object) -> None:
    await passed(tmp_path, {"prompt": prompt}, path="/v1/completions")
    await passed(tmp_path, {"input": prompt}, path="/v1/embeddings")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nonsense",
        b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
        b'{"messages": [{"role": "user", "content": "x"}], "temperature": 1e999}',
        b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"messages": [{"role": "user", "content": "\xff"}]}',
        b'{"messages": [{"role": "user", "content": "x"}], "seed": ' + b"9" * 5000 + b"}",
        b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"messages": [{"role": "user", "content": "x"}], "tools": ['
        + b'{"a":' * 900
        + b"1"
        + b"}" * 900
        + b"]}",
        b'{"messages": [{"role": "user", "content": "x", "role": "system"}]}',
        b'{"messages": [{"role": "user", "content": "x"}], "n": 1, "n": 100}',
        b'{"messages": [{"role": "user", "content": "x"}], "str\\u0065am": true}',
    ],
)
async def test_a_trap_in_json_is_a_400(tmp_path: Path, body: bytes) -> None:
    await refused(tmp_path, body)


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
        ),
        max_size=5,
    )
)
def test_a_body_is_ambiguous_only_with_a_key_twice(document: dict[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        text.decode()
    except UnicodeDecodeError:
        return
    check_unambiguous(text)
    key = json.dumps(next(iter(document), "a"), ensure_ascii=False).encode()
    twice = b'{"o": [{' + key + b": 1, " + key + b": 1}]}"
    with pytest.raises(InvalidRequest, match="twice"):
        check_unambiguous(twice)


async def test_sizes_are_bounded(tmp_path: Path) -> None:
    chat = a_chat("x" * 60)
    assert "characters" in (await refused(tmp_path, chat, "{max_characters: 60}"))[1]
    many = {"messages": [{"role": "user", "content": "x"}] * 3}
    assert (await refused(tmp_path, many, "{max_messages: 2}"))[0] == "messages"
    tools = {**a_chat(), "tools": [{"type": "function"}] * 3}
    assert (await refused(tmp_path, tools, "{max_tools: 2}"))[0] == "tools"
    prompts = {"prompt": ["a"] * 3}
    assert (await refused(tmp_path, prompts, "{max_prompts: 2}", path="/v1/completions"))[
        0
    ] == "prompt"
    inputs = {"input": ["a"] * 3}
    assert (await refused(tmp_path, inputs, "{max_inputs: 2}", path="/v1/embeddings"))[0] == "input"
    await passed(tmp_path, many, "{max_messages: 3}")


async def test_the_text_of_every_field_counts(tmp_path: Path) -> None:
    hidden = {**a_chat("x"), "chat_template_kwargs": {"a": [{"b": "y" * 500}]}}
    assert "characters" in (await refused(tmp_path, hidden, "{max_characters: 400}"))[1]


async def test_media_is_refused_unless_allowed_and_then_fetched_from_nowhere(
    tmp_path: Path,
) -> None:
    def with_image(url: str) -> dict[str, Any]:
        part = {"type": "image_url", "image_url": {"url": url}}
        return {"messages": [{"role": "user", "content": [part]}]}

    allowed = "{media: [image_url], max_characters: 100}"
    await passed(tmp_path, with_image("data:image/png;base64," + "A" * 1000), allowed)
    param, _ = await refused(tmp_path, with_image("http://10.0.0.1/admin"), allowed)
    assert param == "messages[0].content[0].image_url.url"
    remote = "{media: [image_url], remote_media: true}"
    await passed(tmp_path, with_image("https://example.com/a.png"), remote)


async def test_other_routes_that_generate_are_refused_unless_they_are_let_pass(
    tmp_path: Path,
) -> None:
    others = ["/v1/responses", "/v1/messages", "/v1/models/m:predict", "/v2/models/m/infer"]
    for path in others:
        async with Play("- validate", tmp_path) as play:
            assert (await play.send(a_call({"input": "x"}, path=path))).status == 400
        assert await passed(tmp_path, b"anything", "{other_routes: pass}", path=path) == b"anything"


async def test_a_call_over_grpc_is_refused_with_its_route(tmp_path: Path) -> None:
    call = a_call(b"\x0a\x01m", path="/v2/models/m/infer")
    call.over_grpc = True
    async with Play("- validate", tmp_path) as play:
        assert (await play.send(call)).status == 400


async def test_what_asks_no_model_passes(tmp_path: Path) -> None:
    for method, path, body in [
        ("GET", "/v1/models", None),
        ("GET", "/v2/models/m/ready", None),
        ("POST", "/v1/feedback", b"whatever"),
        ("DELETE", "/v1/conversations/c1", None),
    ]:
        async with Play("- validate", tmp_path) as play:
            assert (await play.send(a_call(body, method=method, path=path))).status == 200


async def test_tokenize_brings_no_template_of_its_own(tmp_path: Path) -> None:
    body = {"messages": [], "chat_template": "{% for x in range(10**9) %}{% endfor %}"}
    assert (await refused(tmp_path, body, path="/tokenize"))[0] == "chat_template"
    await passed(tmp_path, {"prompt": "x"}, path="/tokenize")


async def test_refusals_are_counted_by_their_reason(tmp_path: Path) -> None:
    async with Play("- validate: {max_characters: 100}", tmp_path) as play:
        await play.ask({"messages": []})
        await play.ask(a_chat("x" * 100))
        step = play.pipeline.steps[0]
        assert isinstance(step, ValidateStep)
        found = {
            sample.labels["reason"]: sample.value
            for collector in step.collectors()
            for metric in collector.collect()
            for sample in metric.samples
            if sample.name == "pilotlight_transformer_validate_refusals_total"
        }
    assert found == {"schema": 1, "size": 1}


# Anything at all

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["user", "assistant", "tool", "text", "image_url", "", "a"])
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "name", "function", "tool_calls"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
FIELDS = sorted({name for shapes in SHAPES.values() for name in shapes} | {"prompt_template"})
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "tool", "x"]), "content": ANYTHING},
        optional={"tool_calls": ANYTHING, "name": ANYTHING},
    ),
    max_size=3,
)
PATHS = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/tokenize"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(PATHS),
    st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=4),
    MESSAGES | ANYTHING,
    ANYTHING,
)
def test_whatever_comes_passes_or_is_a_400(
    tmp_path_factory: pytest.TempPathFactory,
    path: str,
    fields: dict[str, Any],
    messages: Any,
    prompt: Any,
) -> None:
    global _step
    if _step is None:
        model = make_model(tmp_path_factory.mktemp("any") / "model")
        _step = asyncio.run(a_step(model))
    body = {"messages": messages, "prompt": prompt, "input": prompt, **fields}
    call = a_call(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"), path=path)
    with suppress(InvalidRequest):
        asyncio.run(_step.request(call))
        json.loads(call.payload())


_step: ValidateStep | None = None
"""Made once for all examples."""


async def a_step(model: Path) -> ValidateStep:
    """A started step, of which nothing else is needed."""
    made = ValidateSettings.model_validate(
        {
            "tokenizer": model,
            "thread_above": 10**6,
            "media": ["image_url"],
            "special_tokens": "refuse",
            "normalise": {"merge_roles": True, "nfc": True},
            "parameters": {"temperature": {"max": 1, "over": "cap"}, "n": {"values": [1]}},
            "unknown": "drop",
        }
    )
    predictor = PlayedPredictor(lambda _: chat_answer("hi"))
    step = ValidateStep(made, Surroundings("m", predictor, Stores(StoreSettings()), SystemClock()))
    await step.start()
    return step


# Parameters


async def test_a_parameter_beyond_its_range_is_refused_or_capped(tmp_path: Path) -> None:
    hot = a_chat(temperature=1.8)
    param, message = await refused(tmp_path, hot, "{parameters: {temperature: {max: 1.5}}}")
    assert param == "temperature"
    assert "at most 1.5" in message
    capped = await passed(tmp_path, hot, "{parameters: {temperature: {max: 1.5, over: cap}}}")
    assert json.loads(capped)["temperature"] == 1.5


async def test_a_rule_holds_for_every_name_of_its_thing(tmp_path: Path) -> None:
    settings = "{parameters: {max_tokens: {max: 10}, logprobs: false, n: {max: 2}}}"
    for name, value in [
        ("max_tokens", 11),
        ("max_completion_tokens", 11),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("prompt_logprobs", 0),
        ("best_of", 3),
    ]:
        assert (await refused(tmp_path, {**a_chat(), name: value}, settings))[0] == name
    await passed(tmp_path, a_chat(max_completion_tokens=10, logprobs=False, n=2), settings)


async def test_without_a_number_a_chat_gets_the_most_it_may(tmp_path: Path) -> None:
    settings = "{parameters: {max_tokens: {max: 10}}}"
    assert json.loads(await passed(tmp_path, a_chat(), settings))["max_tokens"] == 10
    null = a_chat(max_tokens=None, max_completion_tokens=None)
    assert json.loads(await passed(tmp_path, null, settings))["max_tokens"] == 10
    own = json.dumps(a_chat(max_completion_tokens=5)).encode()
    assert await passed(tmp_path, own, settings) == own


async def test_a_default_is_put_where_nothing_is_said(tmp_path: Path) -> None:
    settings = "{parameters: {temperature: {default: 0.2}, top_p: {values: [1, 0.5]}}}"
    assert json.loads(await passed(tmp_path, a_chat(), settings))["temperature"] == 0.2
    own = json.loads(await passed(tmp_path, a_chat(temperature=0, top_p=0.5), settings))
    assert own["temperature"] == 0
    assert (await refused(tmp_path, a_chat(top_p=0.7), settings))[0] == "top_p"


async def test_a_tenant_has_its_own_rules_beside_the_common_ones(tmp_path: Path) -> None:
    settings = (
        "{max_messages: 1, parameters: {n: {max: 2}, logprobs: false}, "
        "tenants: {gold: {max_messages: 5, parameters: {n: {max: 4}}}}}"
    )
    gold = Identity(tenant="gold")
    await passed(tmp_path, a_chat(n=4), settings, identity=gold)
    assert (await refused(tmp_path, a_chat(n=4), settings))[0] == "n"
    assert (await refused(tmp_path, a_chat(logprobs=True), settings, identity=gold))[
        0
    ] == "logprobs"
    two = {"messages": [{"role": "user", "content": "x"}] * 2}
    await passed(tmp_path, two, settings, identity=gold)
    assert (await refused(tmp_path, two, settings))[0] == "messages"


async def test_unknown_parameters_pass_are_dropped_or_refused(tmp_path: Path) -> None:
    body = a_chat(new_thing=1, tier="cheap")
    assert "new_thing" in json.loads(await passed(tmp_path, body))
    dropped = json.loads(await passed(tmp_path, body, "{unknown: drop, also_known: [tier]}"))
    assert "new_thing" not in dropped
    assert dropped["tier"] == "cheap"
    assert (await refused(tmp_path, body, "{unknown: refuse, also_known: [tier]}"))[
        0
    ] == "new_thing"


# Messages, written alike


async def sent(folder: Path, messages: list[Any], settings: str = "{}") -> list[Any]:
    """The messages that go on."""
    body = await passed(folder, {"messages": messages}, settings)
    return list(json.loads(body)["messages"])


async def test_parts_of_only_text_become_one_text_and_empty_messages_go(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    messages = [
        {"role": "system", "content": ""},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f"}}]},
        {"role": "tool", "content": "", "tool_call_id": "1"},
    ]
    assert await sent(tmp_path, messages) == [
        {"role": "user", "content": "a\nb"},
        messages[2],
        messages[3],
    ]
    empty = {"messages": [{"role": "user", "content": ""}]}
    assert (await refused(tmp_path, empty))[0] == "messages"


async def test_neighbours_of_one_role_are_merged_only_if_asked(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    assert await sent(tmp_path, messages) == messages
    merged = await sent(tmp_path, messages, "{normalise: {merge_roles: true}}")
    assert merged == [{"role": "user", "content": "a\n\nb"}]


async def test_unicode_is_composed_only_if_asked(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "e\u0301"}]
    assert await sent(tmp_path, messages) == messages
    nfc = await sent(tmp_path, messages, "{normalise: {nfc: true}}")
    assert nfc == [{"role": "user", "content": "\u00e9"}]
    composed = json.dumps({"messages": [{"role": "user", "content": "\u00e9"}]}).encode()
    assert await passed(tmp_path, composed, "{normalise: {nfc: true}}") == composed


# Settings


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("{parameters: {n: {min: 3, max: 1}}}", "exchange"),
        ("{max_model_len: 100}", "tokenizer"),
        ("{templates: {t: {versions: {1: a, 2: b}}}}", "default"),
        ("{templates: {t: {versions: {1: a}, default: 2}}}", "choose of"),
        ("{templates: {t: {versions: {1: '{{ a'}}}}", "cannot be read"),
        ("{templates: {t: {versions: {1: '{% include \"x\" %}'}}}}", "no other template"),
        ("{tokenizer: /nowhere}", "tokenizer.json"),
        ("{tenants: {gold: {max_mesages: 1}}}", "tenants.gold.max_mesages"),
    ],
)
async def test_settings_that_cannot_be_used_say_what_to_change(
    tmp_path: Path, settings: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        async with Play(f"- validate: {settings}", tmp_path):
            pass
