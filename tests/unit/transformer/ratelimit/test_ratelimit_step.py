"""The step before a played predictor: who is refused, what is told, what is settled."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pilotlight.clock import SimulatedClock
from pilotlight.errors import BadGateway, ContentRefused, Unavailable
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Identity
from pilotlight_transformer.pipeline.headers import Headers
from pilotlight_transformer.pipeline.step import Step
from pilotlight_transformer.steps.ratelimit import span
from tests.unit.transformer.playing import (
    Play,
    PlayedClient,
    PlayedPredictor,
    a_call,
    a_chat,
    chat_answer,
    chat_stream,
)

REQUESTS = "- ratelimit: {key: {requests: {rate: 1/s, burst: 2}}}"
TOKENS = "- ratelimit: {output_tokens: 100, key: {tokens: {rate: 1/s, burst: 1000}}}"
BOB = Identity("acme", "bob")


def left(client: PlayedClient, of: str = "tokens") -> int:
    value = client.headers.text(f"x-ratelimit-remaining-{of}".encode())
    assert value is not None
    return int(value)


def spent(play: Play) -> float:
    """What all settled calls have cost."""
    (step,) = (step for step in play.pipeline.steps if step.name == "ratelimit")
    counted = {metric.name: metric for each in step.collectors() for metric in each.collect()}
    return counted["pilotlight_transformer_ratelimit_tokens"].samples[0].value


async def test_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    clock = SimulatedClock()
    async with Play(REQUESTS, tmp_path, clock=clock) as play:
        first, second, third = [await play.ask(a_chat()) for _ in range(3)]
        assert [first.status, second.status, third.status] == [200, 200, 429]
        assert left(first, "requests") == 1
        assert left(second, "requests") == 0
        assert first.headers.get(b"x-ratelimit-limit-requests") == b"2"
        assert second.headers.get(b"x-ratelimit-reset-requests") == b"2s"
        assert third.document["error"]["code"] == "rate_limit_exceeded"
        assert third.headers.get(b"retry-after") == b"1"
        assert left(third, "requests") == 0
        assert len(play.predictor.asked) == 2
        clock.advance(1.0)
        assert (await play.ask(a_chat())).status == 200
        assert (await play.ask(a_chat())).status == 429


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/completions", b"{}"),
        ("POST", "/openai/v1/chat/completions", b"{}"),
        ("POST", "/v1/embeddings", b"{}"),
        ("POST", "/v1/messages", b"{}"),
        ("POST", "/v1/responses", b"{}"),
        ("POST", "/tokenize", b"{}"),
        ("POST", "/v1/models/m:predict", b"{}"),
        ("POST", "/v2/models/m/infer", b"\x00"),
        ("POST", "/v1/feedback", b"{}"),
        ("GET", "/v1/models", b""),
        ("GET", "/v2/models/m", b""),
        ("DELETE", "/v1/conversations/c", b""),
    ],
)
async def test_no_route_goes_around_the_limit(
    tmp_path: Path, method: str, path: str, body: bytes
) -> None:
    async with Play(REQUESTS, tmp_path, clock=SimulatedClock()) as play:
        for _ in range(2):
            await play.ask(a_chat())
        refused = await play.send(a_call(body, method=method, path=path))
        assert refused.status == 429


async def test_a_grpc_call_takes_of_the_same_bucket(tmp_path: Path) -> None:
    async with Play(REQUESTS, tmp_path, clock=SimulatedClock()) as play:
        for _ in range(2):
            await play.ask(a_chat())
        call = a_call(b"\x0a\x01m", path="/v2/models/m/infer")
        call.over_grpc = True
        assert (await play.send(call)).status == 429


async def test_a_key_is_its_subject_and_tenants_are_apart(tmp_path: Path) -> None:
    async with Play(REQUESTS, tmp_path, clock=SimulatedClock()) as play:
        for identity in (BOB, Identity("acme", "bob", ("chat",))):
            assert (await play.ask(a_chat(), identity=identity)).status == 200
        assert (await play.ask(a_chat(), identity=BOB)).status == 429
        assert (await play.ask(a_chat(), identity=Identity("acme", "eve"))).status == 200
        assert (await play.ask(a_chat(), identity=Identity("other", "bob"))).status == 200


async def test_the_tenants_limit_holds_for_all_its_keys(tmp_path: Path) -> None:
    limit = "- ratelimit: {tenant: {requests: {rate: 1/s, burst: 2}}}"
    async with Play(limit, tmp_path, clock=SimulatedClock()) as play:
        clients = [
            await play.ask(a_chat(), identity=Identity("acme", f"key-{number}"))
            for number in range(3)
        ]
        assert [client.status for client in clients] == [200, 200, 429]
        other = await play.ask(a_chat(), identity=Identity("other", "key-0"))
        assert other.status == 200


async def test_a_named_tenant_has_its_own_limit(tmp_path: Path) -> None:
    limit = """- ratelimit:
    key: {requests: {rate: 1/s, burst: 1}}
    tenants: {acme: {key: {requests: {rate: 1/s, burst: 3}}}}"""
    async with Play(limit, tmp_path, clock=SimulatedClock()) as play:
        acme = [(await play.ask(a_chat(), identity=BOB)).status for _ in range(4)]
        other = [(await play.ask(a_chat())).status for _ in range(2)]
        assert acme == [200, 200, 200, 429]
        assert other == [200, 429]


async def test_all_names_of_a_model_share_its_bucket(tmp_path: Path) -> None:
    limit = "- ratelimit: {models: [{names: [m, alias], requests: {rate: 1/s, burst: 2}}]}"
    async with Play(limit, tmp_path, clock=SimulatedClock()) as play:
        assert (await play.ask(a_chat(model="m"))).status == 200
        assert (await play.ask(a_chat(model="alias"))).status == 200
        assert (await play.ask(a_chat(model="m"))).status == 429
        assert (await play.send(a_call(b"{}", path="/v2/models/alias/infer"))).status == 429
        # Who names none asks the service's own model, which is m.
        nameless = {key: value for key, value in a_chat().items() if key != "model"}
        assert (await play.ask(nameless)).status == 429
        assert (await play.ask(a_chat(model="free"))).status == 200


async def test_an_answer_settles_by_its_usage(tmp_path: Path) -> None:
    async with Play(TOKENS, tmp_path, clock=SimulatedClock()) as play:
        call = a_call(a_chat())
        first = await play.send(call)
        # Before: the prompt's estimate and 100 set aside. After: the usage, 5 + 7.
        assert left(first) == 1000 - 100 - -(-len(call.body) // 4)
        assert spent(play) == 12
        second = await play.send(a_call(a_chat()))
        assert left(second) == left(first) - 12
        assert call.facts.prompt_tokens == 5
        assert call.facts.completion_tokens == 7


@pytest.mark.parametrize(
    ("path", "over_grpc"),
    [
        ("/v2/models/m/infer", True),
        ("/v2/models/m/infer", False),
        ("/v1/models/m:predict", False),
    ],
)
async def test_a_models_own_text_does_not_set_the_bill(
    tmp_path: Path, path: str, *, over_grpc: bool
) -> None:
    said = b'"usage": {"prompt_tokens": 0, "completion_tokens": 0}'
    predictor = PlayedPredictor(lambda _: Answer(200, body=said + b"." * (400 - len(said))))
    async with Play(TOKENS, tmp_path, predictor, clock=SimulatedClock()) as play:
        call = a_call(b"\x0a\x01m" + b"x" * 37, path=path)
        call.over_grpc = over_grpc
        assert (await play.send(call)).status == 200
        assert spent(play) == 40 / 4 + 400 / 4
        assert call.facts.completion_tokens is None


async def test_an_inference_that_streams_is_counted_by_its_events(tmp_path: Path) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b'data: "usage": {"prompt_tokens": 0, "completion_tokens": 0} \n\n'
        yield b"data: [DONE]\n\n"

    headers = Headers([(b"content-type", b"text/event-stream")])
    predictor = PlayedPredictor(lambda _: Answer(200, headers, stream()))
    async with Play(TOKENS, tmp_path, predictor, clock=SimulatedClock()) as play:
        await play.send(a_call(b"x" * 40, path="/v2/models/m/infer"))
        assert spent(play) == 40 / 4 + 5


async def test_a_stream_without_usage_settles_by_its_events(tmp_path: Path) -> None:
    async with Play(TOKENS, tmp_path, clock=SimulatedClock()) as play:
        call = a_call(a_chat(stream=True))
        call.facts.prompt_tokens = 10
        await play.send(call)
        assert spent(play) == 10 + 3  # two deltas, and the one with the finish reason


@pytest.mark.parametrize("cut", [1, 3, 17, 10_000])
async def test_it_costs_the_same_wherever_the_network_cuts_it(tmp_path: Path, cut: int) -> None:
    texts = ["a", "data: ", "\n\ndata: ", '"completion_tokens": 9 ']
    predictor = PlayedPredictor(lambda call: chat_stream(*texts, cut=cut))
    async with Play(TOKENS, tmp_path, predictor, clock=SimulatedClock()) as play:
        call = a_call(a_chat(stream=True))
        call.facts.prompt_tokens = 10
        client = await play.send(call)
        assert client.text == "".join(texts)
        assert spent(play) == 10 + len(texts) + 1


async def test_a_stream_that_was_cut_costs_what_had_come(tmp_path: Path) -> None:
    broken = PlayedPredictor(lambda call: chat_stream("a", "b", fail=BadGateway("gone")))
    async with Play(TOKENS, tmp_path, broken, clock=SimulatedClock()) as play:
        call = a_call(a_chat(stream=True))
        call.facts.prompt_tokens = 10
        client, outcome = await play.follow(call)
        assert outcome.cut
        assert client.events[-1] == "[DONE]"
        assert 10 + 1 <= spent(play) <= 10 + 2


async def test_what_was_used_beyond_is_a_debt(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 500, "completion_tokens": 1500, "total_tokens": 2000}
    greedy = PlayedPredictor(lambda call: chat_answer("hi", usage=usage))
    clock = SimulatedClock()
    async with Play(TOKENS, tmp_path, greedy, clock=clock) as play:
        assert (await play.ask(a_chat())).status == 200
        refused = await play.ask(a_chat(max_tokens=1))
        assert refused.status == 429
        assert left(refused) == 0
        assert int(refused.headers.text(b"retry-after") or "") > 1000
        clock.advance(1000.0)
        assert (await play.ask(a_chat(max_tokens=1))).status == 429
        clock.advance(100.0)
        assert (await play.ask(a_chat(max_tokens=1))).status == 200


async def test_a_prompt_over_the_burst_is_refused_without_a_time_to_come_back(
    tmp_path: Path,
) -> None:
    async with Play(TOKENS, tmp_path, clock=SimulatedClock()) as play:
        refused = await play.ask(a_chat("x" * 5000))
        assert refused.status == 429
        assert "shorten" in refused.document["error"]["message"]
        assert b"retry-after" not in refused.headers
        assert spent(play) == 0


async def test_many_at_once_cannot_use_more_than_was_set_aside(tmp_path: Path) -> None:
    limit = "- ratelimit: {key: {tokens: {rate: 1/h, burst: 1000}}}"
    async with Play(limit, tmp_path, clock=SimulatedClock()) as play:
        calls = [a_call(a_chat(max_tokens=290)) for _ in range(6)]
        for call in calls:
            call.facts.prompt_tokens = 10
        exchanges = [
            play.pipeline.open(call, Held(play.predictor), PlayedClient()) for call in calls
        ]
        for exchange in exchanges:
            await exchange.run()
        assert [exchange.outcome.status for exchange in exchanges] == [502] * 3 + [429] * 3


class Held:
    """A predictor that gave out after it had begun to work: nobody knows what was used."""

    def __init__(self, predictor: PlayedPredictor) -> None:
        self.predictor = predictor

    async def ask(self, call: Call) -> Answer:
        call.facts.upstream = "default"
        raise BadGateway("it broke off")


class Cached(Step):
    """Answers itself, as a cache does."""

    name = "cached"

    async def request(self, call: Call) -> Answer | None:
        call.facts.cache = "hit"
        return chat_answer("known")


class Refusing(Step):
    """Refuses what the limits have let pass."""

    name = "refusing"

    async def request(self, call: Call) -> Answer | None:
        raise Unavailable("no predictor")


@pytest.mark.parametrize("inner", ["Cached", "Refusing"])
async def test_what_never_reached_a_model_costs_a_request_and_no_tokens(
    tmp_path: Path, inner: str
) -> None:
    both = """- ratelimit:
    key: {tokens: {rate: 1/h, burst: 600}, requests: {rate: 1/h, burst: 3}}"""
    pipeline = f"{both}\n- {__name__}:{inner}"
    async with Play(pipeline, tmp_path, clock=SimulatedClock()) as play:
        clients = [await play.ask(a_chat()) for _ in range(4)]
        assert clients[3].status == 429
        assert "requests" in clients[3].document["error"]["message"]
        assert all(client.status != 429 for client in clients[:3])
        assert spent(play) == 0


class Judging(Step):
    """Refuses what the model has answered."""

    name = "judging"

    async def response(self, call: Call, answer: Answer) -> None:
        raise ContentRefused("not this")


async def test_an_answer_that_a_step_refuses_has_cost_what_was_set_aside(tmp_path: Path) -> None:
    def reply(call: Call) -> Answer:
        call.facts.upstream = "default"
        return chat_answer("hi")

    predictor = PlayedPredictor(reply)
    pipeline = f"{TOKENS}\n- {__name__}:Judging"
    async with Play(pipeline, tmp_path, predictor, clock=SimulatedClock()) as play:
        call = a_call(a_chat(max_tokens=200))
        assert (await play.send(call)).status == 400
        assert spent(play) == 200 - (-len(call.body) // 4)


async def test_what_the_predictor_refuses_costs_no_tokens(tmp_path: Path) -> None:
    refusing = PlayedPredictor(lambda call: Answer.of({"error": {}}, 400))
    async with Play(TOKENS, tmp_path, refusing, clock=SimulatedClock()) as play:
        for _ in range(20):
            assert (await play.ask(a_chat())).status == 400
        assert spent(play) == 0


async def test_routes_without_a_model_take_no_tokens(tmp_path: Path) -> None:
    async with Play(TOKENS, tmp_path, clock=SimulatedClock()) as play:
        for _ in range(20):
            call = a_call(b"{}" + b" " * 3000, path="/tokenize")
            assert (await play.send(call)).status == 200


async def test_each_worker_of_a_pod_lets_its_share_pass(tmp_path: Path) -> None:
    limit = "- ratelimit: {key: {requests: {rate: 4/s, burst: 8}}}"
    clock = SimulatedClock()
    async with Play(limit, tmp_path, clock=clock, workers=4) as play:
        statuses = [(await play.ask(a_chat())).status for _ in range(3)]
        assert statuses == [200, 200, 429]
        clock.advance(1.0)
        assert [(await play.ask(a_chat())).status for _ in range(2)] == [200, 429]


async def test_a_body_that_is_no_json_is_a_clients_fault(tmp_path: Path) -> None:
    async with Play(TOKENS, tmp_path) as play:
        assert (await play.ask(a_chat())).status == 200
        assert (await play.send(a_call(b"\xff{"))).status == 400


async def test_names_with_lone_surrogates_are_counted_like_others(tmp_path: Path) -> None:
    limit = "- ratelimit: {models: [{names: [m], requests: {rate: 1/s, burst: 1}}]}"
    async with Play(limit, tmp_path) as play:
        body = b'{"model": "\\ud800", "messages": []}'
        assert (await play.send(a_call(body))).status in {200, 400}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0ms"), (0.0171, "18ms"), (1, "1s"), (1.2, "2s"), (360, "6m0s"), (3661, "1h1m1s")],
)
def test_times_are_written_as_openai_does(seconds: float, text: str) -> None:
    assert span(seconds) == text
