"""The step ``route``, before a scripted predictor."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pilotlight.clock import SystemClock
from pilotlight.errors import UsageError
from pilotlight_transformer.forward.onward import path_for
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Identity
from pilotlight_transformer.pipeline.headers import Headers
from pilotlight_transformer.pipeline.target import Target
from pilotlight_transformer.routing.renaming import with_name
from pilotlight_transformer.rpc.wire import model_name
from tests.unit.transformer.playing import (
    Play,
    PlayedPredictor,
    a_call,
    a_chat,
    chat_answer,
    chat_stream,
)

ROUTE = """
- route:
    models:
      small: {url: http://small.models}
      strong:
        url: http://10.0.0.7:8080
        host: strong-predictor.models
        model: llama-3-70b
        batch: {url: http://strong-batch.models}
      secret: {url: http://secret.models, tenants: [acme]}
    aliases:
      everyone: {gpt-4o: strong, mine: m}
      tenants: {acme: {best: secret, small: strong}}
    tiers:
      auto:
        rules:
          - when: {max_prompt_tokens: 20, no_tools: true, max_completion_tokens: 50}
            model: small
        otherwise: strong
        fallback: [small]
""".strip()

ACME = Identity(tenant="acme", subject="k1")


@pytest.fixture
async def play(tmp_path: Path) -> AsyncIterator[Play]:
    async with Play(ROUTE, tmp_path, PlayedPredictor(answered_by)) as playing:
        yield playing


def answered_by(call: Call) -> Answer:
    """As an upstream that says its own name of the model."""
    name = call.targets[0].model if call.targets else call.document["model"]
    if call.stream:
        return stream_of(str(name))
    return chat_answer("hi", model=name)


def stream_of(model: str) -> Answer:
    events = [{"id": "1", "model": model, "choices": [{"index": 0, "delta": {"content": "hi"}}]}]

    async def body() -> AsyncIterator[bytes]:
        for event in events:
            yield b": a comment\ndata: " + json.dumps(event).encode() + b"\n\n"
        yield b"data: [DONE]\n\n"

    return Answer(200, Headers([(b"content-type", b"text/event-stream")]), body())


def named(model: str, **more: Any) -> dict[str, Any]:
    return {**a_chat(), **more, "model": model}


def targets(play: Play) -> list[str]:
    return [target.name for target in play.predictor.asked[-1].targets]


async def test_a_model_goes_to_its_upstream_under_the_name_it_has_there(play: Play) -> None:
    await play.ask(named("strong"))
    assert play.predictor.asked[-1].targets == (
        Target("strong", "10.0.0.7", 8080, "strong-predictor.models", "llama-3-70b"),
    )


async def test_an_alias_is_told_back_to_the_client_under_its_own_name(play: Play) -> None:
    client = await play.ask(named("gpt-4o"))
    assert client.document["model"] == "gpt-4o"
    assert targets(play) == ["strong"]


async def test_a_stream_says_the_clients_name_in_every_event_and_keeps_other_lines(
    play: Play,
) -> None:
    client = await play.ask(named("gpt-4o", stream=True))
    assert b'"model":"gpt-4o"' in client.body
    assert b"llama" not in client.body
    assert client.body.startswith(b": a comment\ndata: ")


async def test_without_another_name_an_answer_stays_byte_for_byte(play: Play) -> None:
    client = await play.ask(named("small", stream=True))
    assert b'{"id": "1", "model": "small"' in client.body


async def test_a_tenants_alias_wins_over_a_model_and_is_nobody_elses(play: Play) -> None:
    await play.ask(named("small"), identity=ACME)
    assert targets(play) == ["strong"]
    await play.ask(named("small"))
    assert targets(play) == ["small"]
    assert (await play.ask(named("best"))).status == 404


async def test_what_a_tenant_may_not_see_looks_as_if_it_were_not_there(play: Play) -> None:
    hidden = await play.ask(named("secret"))
    missing = await play.ask(named("nothing"))
    assert hidden.status == missing.status == 404
    assert hidden.body == missing.body
    assert "GET /v1/models" in hidden.document["error"]["message"]
    assert hidden.document["error"]["code"] == "model_not_found"
    assert (await play.ask(named("secret"), identity=ACME)).status == 200


async def test_models_lists_what_the_tenant_may_ask_for(play: Play) -> None:
    everybody = await play.send(a_call(method="GET", path="/v1/models"))
    acme = await play.send(a_call(method="GET", path="/v1/models", identity=ACME))
    v2 = await play.send(a_call(method="GET", path="/v2/models"))
    names = [card["id"] for card in everybody.document["data"]]
    assert names == ["auto", "gpt-4o", "m", "mine", "small", "strong"]
    assert v2.document == {"models": names}
    assert {card["id"] for card in acme.document["data"]} == {*names, "best", "secret"}
    assert all(card["object"] == "model" for card in everybody.document["data"])
    assert not play.predictor.asked


async def test_every_listed_name_can_be_described_and_used(play: Play) -> None:
    listed = await play.send(a_call(method="GET", path="/v1/models", identity=ACME))
    for card in listed.document["data"]:
        path = f"/v1/models/{card['id']}"
        one = await play.send(a_call(method="GET", path=path, identity=ACME))
        assert one.status == 200
        assert (one.document["id"], one.document["name"]) == (card["id"], card["id"])
        assert one.document["ready"] is True
        assert (await play.ask(named(card["id"]), identity=ACME)).status == 200
    hidden = await play.send(a_call(method="GET", path="/v1/models/secret"))
    assert hidden.status == 404


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"max_tokens": 50}, ["small"]),
        ({"max_tokens": 51}, ["strong", "small"]),
        ({}, ["strong", "small"]),
        ({"max_tokens": 5, "tools": [{"type": "function"}]}, ["strong", "small"]),
        ({"max_tokens": 5, "messages": [{"role": "tool", "content": "1"}]}, ["strong", "small"]),
        (
            {"max_tokens": 5, "messages": [{"role": "user", "content": "a" * 85}]},
            ["strong", "small"],
        ),
        ({"max_tokens": 5, "messages": [{"role": "user", "content": "a" * 60}]}, ["small"]),
    ],
)
async def test_a_tier_takes_the_cheap_model_for_easy_requests_only(
    play: Play, more: Mapping[str, Any], expected: list[str]
) -> None:
    client = await play.ask({**named("auto"), **more})
    assert targets(play) == expected
    assert client.document["model"] == "auto"


async def test_counted_tokens_win_over_the_estimate(play: Play) -> None:
    call = a_call(named("auto", max_tokens=5))
    call.facts.prompt_tokens = 21
    await play.send(call)
    assert targets(play) == ["strong", "small"]


async def test_batch_goes_to_the_batch_upstream_where_there_is_one(play: Play) -> None:
    await play.ask(named("strong"), headers={"x-priority": "batch"})
    (target,) = play.predictor.asked[-1].targets
    assert (target.name, target.host, target.model) == (
        "strong/batch",
        "strong-batch.models",
        "llama-3-70b",
    )
    await play.ask(named("small"), headers={"x-priority": "batch"})
    assert targets(play) == ["small"]
    await play.ask(named("strong"), headers={"x-priority": "interactive"})
    assert targets(play) == ["strong"]


async def test_another_priority_is_refused(play: Play) -> None:
    assert (await play.ask(named("small"), headers={"x-priority": "high"})).status == 400
    both = a_call(named("small"))
    both.headers = Headers([(b"x-priority", b"batch"), (b"x-priority", b"interactive")])
    assert (await play.send(both)).status == 400


async def test_the_services_own_model_goes_to_the_default_predictor(play: Play) -> None:
    client = await play.ask(named("m"))
    assert client.status == 200
    assert play.predictor.asked[-1].targets == ()
    await play.ask({"messages": []})
    assert play.predictor.asked[-1].document["model"] == "m"
    client = await play.ask(named("mine"))
    assert play.predictor.asked[-1].document["model"] == "m"
    assert client.document["model"] == "mine"


@pytest.mark.parametrize("body", [b'{"model": 5}', b'{"model": ["m"]}', b"[]", b"no"])
async def test_a_model_that_is_no_text_is_refused(play: Play, body: bytes) -> None:
    assert (await play.send(a_call(body))).status == 400


async def test_a_lone_surrogate_does_no_harm(play: Play) -> None:
    body = b'{"model": "auto", "messages": [{"role": "user", "content": "\\ud800"}]}'
    assert (await play.send(a_call(body))).status in {200, 400}
    assert (await play.send(a_call(b'{"model": "\\ud800"}'))).status in {400, 404}


@pytest.mark.parametrize(
    ("method", "path", "onward"),
    [
        ("POST", "/v1/models/gpt-4o:predict", ["/v1/models/llama-3-70b:predict"]),
        ("POST", "/v2/models/gpt-4o/infer", ["/v2/models/llama-3-70b/infer"]),
        ("GET", "/v2/models/gpt-4o/ready", ["/v2/models/llama-3-70b/ready"]),
        ("GET", "/v2/models/gpt-4o", ["/v2/models/llama-3-70b"]),
        ("GET", "/v2/models/auto", ["/v2/models/llama-3-70b", "/v2/models/small"]),
        ("GET", "/v2/models/small/ready", ["/v2/models/small/ready"]),
        ("POST", "/v2/models/mine/infer", ["/v2/models/m/infer"]),
    ],
)
async def test_a_path_names_the_model_as_each_upstream_knows_it(
    play: Play, method: str, path: str, onward: list[str]
) -> None:
    play.predictor.reply = lambda call: Answer.of({"model_name": "llama-3-70b", "name": "x"})
    body = {"inputs": ["a" * 200]} if method == "POST" else None
    client = await play.send(a_call(body, method=method, path=path))
    assert client.status == 200
    (call,) = play.predictor.asked
    default = Target("own", "127.0.0.1")
    assert [path_for(call, target) for target in call.targets or (default,)] == onward


async def test_kserves_answers_name_the_model_as_it_was_asked_for(play: Play) -> None:
    play.predictor.reply = lambda call: Answer.of({"model_name": "llama", "outputs": []})
    client = await play.send(a_call({"inputs": []}, path="/v2/models/gpt-4o/infer"))
    assert client.document == {"model_name": "gpt-4o", "outputs": []}


async def test_a_path_cannot_go_around_who_may_see_a_model(play: Play) -> None:
    for path in ("/v1/models/secret:predict", "/v2/models/secret/infer"):
        assert (await play.send(a_call({}, path=path))).status == 404
    assert not play.predictor.asked


def over_grpc(path: str, name: str) -> Call:
    call = a_call(with_name(b"", name) + b"\x12\x011", path=path)
    call.over_grpc = True
    return call


async def test_a_grpc_message_names_the_model_as_its_upstream_knows_it(play: Play) -> None:
    play.predictor.reply = lambda call: Answer(200, Headers(), b"\x0a\x02up")
    client = await play.send(over_grpc("/v2/models/auto/infer", "auto"))
    (call,) = play.predictor.asked
    assert model_name(call.payload()) == "llama-3-70b"
    assert b"\x12\x011" in call.payload()
    assert [target.name for target in call.targets] == ["strong"]
    assert model_name(client.body) == "auto"
    await play.send(over_grpc("/v2/models/mine/infer", "mine"))
    assert model_name(play.predictor.asked[-1].payload()) == "m"


async def test_a_grpc_answer_without_a_name_stays_as_it_is(play: Play) -> None:
    play.predictor.reply = lambda call: Answer(200, Headers(), b"\x08\x01")
    call = a_call(with_name(b"", "gpt-4o"), method="GET", path="/v2/models/gpt-4o/ready")
    call.over_grpc = True
    assert (await play.send(call)).body == b"\x08\x01"


async def test_decisions_name_the_upstream_only(play: Play) -> None:
    await play.ask(named("gpt-4o"), headers={"x-priority": "batch"})
    (decision,) = play.predictor.asked[-1].decisions
    assert (decision.step, decision.what, decision.why) == ("route", "strong/batch", "batch")


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("models: {a: {url: 'https://a'}}", "http://HOST"),
        ("models: {a: {url: 'http://u:p@a'}}", "http://HOST"),
        ("models: {a: {url: 'http://a/path'}}", "http://HOST"),
        ("models: {a: {url: 'http://a?x=1'}}", "http://HOST"),
        ("models: {a: {url: 'http://a:70000'}}", "http://HOST"),
        ('models: {a: {url: "http://a\\r\\nx: y"}}', "http://HOST"),
        ("models: {a: {url: 'http://a', host: 'b c'}}", "host is a plain name"),
        ("models: {'a b': {url: 'http://a'}}", "letters, digits"),
        ("models: {'a/../b': {url: 'http://a'}}", "letters, digits"),
        ("{models: {a: {url: 'http://a'}}, tiers: {a: {otherwise: a}}}", "there twice"),
        ("{models: {a: {url: 'http://a'}}, tiers: {t: {otherwise: b}}}", "models has no b"),
        ("{tiers: {t: {otherwise: m}}}", "own model"),
        ("{aliases: {everyone: {x: y}}}", "an alias means y"),
        ("{default: nowhere}", "default"),
    ],
)
async def test_settings_that_cannot_work_are_refused_before_they_are_used(
    tmp_path: Path, yaml: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        async with Play(f"- route: {yaml if yaml.startswith('{') else '{' + yaml + '}'}", tmp_path):
            pass


async def test_streams_of_the_plain_predictor_still_pass(tmp_path: Path) -> None:
    predictor = PlayedPredictor(lambda call: chat_stream("a", "b"))
    async with Play("- route: {}", tmp_path, predictor, clock=SystemClock()) as play:
        client = await play.ask(a_chat(stream=True))
    assert client.text == "ab"


@pytest.mark.parametrize("odd", [[], {}, [1]])
@pytest.mark.parametrize("when", ["no_tools", "text_only"])
async def test_a_role_or_a_type_may_be_any_json(tmp_path: Path, odd: Any, when: str) -> None:
    yaml = f"""
- route:
    models:
      small: {{url: http://small.models}}
    tiers:
      auto: {{rules: [{{when: {{{when}: true}}, model: small}}], otherwise: small}}
""".strip()
    async with Play(yaml, tmp_path, PlayedPredictor(answered_by)) as play:
        body = {"model": "auto", "messages": [{"role": odd, "content": [{"type": odd}]}]}
        assert (await play.ask(body)).status == 200
