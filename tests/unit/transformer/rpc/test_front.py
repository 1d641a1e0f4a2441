"""Calls over gRPC go through the same steps, and on to a predictor that speaks gRPC."""

import asyncio
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import StatusCode, aio

from pilotlight.errors import Forbidden, OperationError
from pilotlight_transformer.inflight import InFlight
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.pipeline import Pipeline
from pilotlight_transformer.pipeline.route import Route
from pilotlight_transformer.pipeline.step import Outcome, Step
from pilotlight_transformer.pipeline.target import Target
from pilotlight_transformer.rpc.front import GrpcFront, GrpcLimits
from pilotlight_transformer.rpc.upstream import Channels
from tests.unit.transformer.rpc.kserve_messages import pb
from tests.unit.transformer.rpc.playing import ANSWER, REVISION, SERVICE, rpc

SECONDS = 10.0


class Seeing(Step):
    """Keeps what it sees; refuses or answers if the client asks for it."""

    name = "seeing"
    calls: list[Call]
    outcomes: list[Outcome]
    over: asyncio.Event

    async def start(self) -> None:
        Seeing.calls, Seeing.outcomes, Seeing.over = [], [], asyncio.Event()

    async def request(self, call: Call) -> Answer | None:
        Seeing.calls.append(call)
        wanted = call.headers.text(b"x-do")
        if wanted == "refuse":
            raise Forbidden("not for you", retry_after_s=3)
        if wanted == "break":
            raise RuntimeError("a secret of the inside")
        if wanted == "answer":
            return Answer.of({"outputs": []})
        if wanted is not None and wanted.startswith("go "):
            ports = [int(port) for port in wanted.split()[1:]]
            call.targets = tuple(Target(f"t{port}", "127.0.0.1", port) for port in ports)
        return None

    def answering(self, call: Call, answer: Answer) -> None:
        answer.headers.put(b"x-seen", b"yes")

    async def end(self, call: Call, outcome: Outcome) -> None:
        Seeing.outcomes.append(outcome)
        Seeing.over.set()


SEEING = f"- {__name__}:Seeing"


async def refused(call: Any) -> aio.AioRpcError:
    with pytest.raises(aio.AioRpcError) as caught:
        async with asyncio.timeout(SECONDS):
            await call
    return caught.value


def trailing(error: aio.AioRpcError) -> dict[str, Any]:
    return dict(error.trailing_metadata() or ())


async def test_messages_pass_byte_for_byte_without_steps(tmp_path: Path) -> None:
    message = pb.ModelInferRequest(model_name="m", raw_input_contents=[b"\x00\xff" * 500])
    raw = message.SerializeToString() + b"\xaa\x06\x03new"  # a field that nobody knows yet
    async with rpc(tmp_path) as play:
        call = play.call("ModelInfer", raw, metadata=(("x-more", "1"), ("x-raw-bin", b"\x00\xff")))
        assert await call == ANSWER
        assert REVISION in list(await call.initial_metadata())
        ((method, got, metadata),) = play.predictor.asked
        assert (method, got) == ("ModelInfer", raw)
        assert (metadata["x-more"], metadata["x-raw-bin"]) == ("1", b"\x00\xff")
        assert metadata["x-request-id"]


@pytest.mark.parametrize(
    ("method", "message", "route", "verb", "path", "name"),
    [
        ("ModelInfer", b"\x0a\x03a/b", Route.INFER, "POST", "/v2/models/a/b/infer", "a/b"),
        ("ModelReady", b"\x0a\x01m", Route.METADATA, "GET", "/v2/models/m/ready", "m"),
        ("ModelMetadata", b"\x0a\x01m", Route.METADATA, "GET", "/v2/models/m", "m"),
        ("ServerMetadata", b"", Route.METADATA, "GET", "/v2", None),
    ],
)
async def test_the_steps_see_a_call_as_over_http(
    tmp_path: Path,
    method: str,
    message: bytes,
    route: Route,
    verb: str,
    path: str,
    name: str | None,
) -> None:
    async with rpc(tmp_path, SEEING) as play:
        call = play.call(method, message, metadata=(("authorization", "Bearer x"),))
        assert await call == ANSWER
        assert ("x-seen", "yes") in list(await call.initial_metadata())
    (seen,) = Seeing.calls
    assert (seen.route, seen.method, seen.path, seen.path_name) == (route, verb, path, name)
    assert seen.over_grpc
    assert seen.model == name
    assert not seen.stream
    assert seen.peer == "127.0.0.1"
    assert seen.headers.get(b"authorization") == b"Bearer x"
    assert seen.facts.revision == "m-00002"
    assert seen.facts.upstream == "default"
    assert Seeing.outcomes[0].ok


async def test_a_steps_refusal_is_a_status_and_the_predictor_is_not_asked(tmp_path: Path) -> None:
    async with rpc(tmp_path, SEEING) as play:
        error = await refused(play.infer(metadata=(("x-do", "refuse"),)))
        assert error.code() is StatusCode.PERMISSION_DENIED
        assert error.details() == "not for you"
        assert trailing(error)["grpc-retry-pushback-ms"] == "3000"
        assert trailing(error)["x-seen"] == "yes"
        assert play.predictor.asked == []


async def test_a_bug_in_a_step_tells_the_client_nothing(tmp_path: Path) -> None:
    async with rpc(tmp_path, SEEING) as play:
        error = await refused(play.infer(metadata=(("x-do", "break"),)))
        assert error.code() is StatusCode.INTERNAL
        assert "secret" not in (error.details() or "")


async def test_what_a_step_answers_in_json_is_no_message(tmp_path: Path) -> None:
    async with rpc(tmp_path, SEEING) as play:
        error = await refused(play.infer(metadata=(("x-do", "answer"),)))
        assert error.code() is StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    "code",
    [code for code in StatusCode if code not in {StatusCode.OK, StatusCode.CANCELLED}],
)
async def test_the_predictors_refusal_comes_unchanged(tmp_path: Path, code: StatusCode) -> None:
    async with rpc(tmp_path, SEEING) as play:
        play.predictor.refuse = (code, "no, says the predictor")
        error = await refused(play.infer())
        assert (error.code(), error.details()) == (code, "no, says the predictor")
        assert trailing(error)["x-why"] == "because"
        assert Seeing.outcomes[0].error is not None


async def test_a_predictor_that_is_not_there_is_unavailable_and_its_address_unsaid(
    tmp_path: Path,
) -> None:
    async with rpc(tmp_path, SEEING) as play:
        error = await refused(play.infer(metadata=(("x-do", "go 1"),)))
        assert error.code() is StatusCode.UNAVAILABLE
        assert "127.0.0.1" not in (error.details() or "")


async def test_the_next_target_is_asked_when_the_first_is_not_there(tmp_path: Path) -> None:
    async with rpc(tmp_path, SEEING) as play:
        wanted = f"go 1 {play.predictor.port}"
        assert await play.infer(metadata=(("x-do", wanted),)) == ANSWER
        assert Seeing.calls[0].facts.upstream == f"t{play.predictor.port}"


@pytest.mark.parametrize(
    "message",
    [b"", b"\x0a\x00", b"\x0a\x04a/..", b"\x0a\x05%41bc", b"\x0a\x03a?b", "\x0a\x02ü".encode()],
)
async def test_a_name_that_no_model_has_is_not_found(tmp_path: Path, message: bytes) -> None:
    async with rpc(tmp_path, SEEING) as play:
        error = await refused(play.call("ModelInfer", message))
        assert error.code() is StatusCode.NOT_FOUND
        assert play.predictor.asked == []


async def test_a_name_cannot_reach_for_another_route(tmp_path: Path) -> None:
    """A model "m/ready" would be asked by the path that asks whether "m" is ready."""
    async with rpc(tmp_path, SEEING) as play:
        error = await refused(play.call("ModelMetadata", b"\x0a\x07m/ready"))
        assert error.code() is StatusCode.NOT_FOUND


async def test_a_message_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    async with rpc(tmp_path) as play:
        error = await refused(play.call("ModelInfer", b"\x0a\x7fm"))
        assert error.code() is StatusCode.INVALID_ARGUMENT
        assert play.predictor.asked == []


@pytest.mark.parametrize(
    "method",
    [
        SERVICE + "RepositoryModelLoad",
        SERVICE + "RepositoryModelUnload",
        SERVICE + "ModelStreamInfer",
        "/grpc.health.v1.Health/Check",
        "/inference.GRPCInferenceService/modelinfer",
        "/x/ModelInfer",
    ],
)
async def test_other_methods_are_refused(tmp_path: Path, method: str) -> None:
    async with rpc(tmp_path) as play:
        error = await refused(play.channel.unary_unary(method)(b"\x0a\x01m"))
        assert error.code() is StatusCode.UNIMPLEMENTED
        assert play.predictor.asked == []


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "x-request-id"])
async def test_metadata_that_two_servers_may_read_differently_is_refused(
    tmp_path: Path, name: str
) -> None:
    async with rpc(tmp_path, SEEING) as play:
        error = await refused(play.infer(metadata=((name, "a"), (name, "b"))))
        assert error.code() is StatusCode.INVALID_ARGUMENT
        assert Seeing.calls == []


async def test_a_name_with_an_underscore_passes_for_no_other_one(tmp_path: Path) -> None:
    async with rpc(tmp_path, SEEING) as play:
        await play.infer(metadata=(("x_tenant_id", "other"), ("x-more", "1")))
        ((_, _, metadata),) = play.predictor.asked
        assert "x_tenant_id" not in metadata
        assert metadata["x-more"] == "1"
        assert b"x_tenant_id" not in dict(Seeing.calls[0].headers)


async def test_the_clients_deadline_goes_on(tmp_path: Path) -> None:
    async with rpc(tmp_path) as play:
        await play.infer(timeout=30)
        assert play.predictor.remaining_s is not None
        assert 20 < play.predictor.remaining_s < 31
        ((_, _, metadata),) = play.predictor.asked
        assert 20_000 < int(metadata["x-request-deadline-ms"]) < 31_000
        await play.infer(metadata=(("x-request-deadline-ms", "5000"),), timeout=30)
        assert 3 < play.predictor.remaining_s < 6
        error = await refused(play.infer(metadata=(("x-request-deadline-ms", "soon"),)))
        assert error.code() is StatusCode.INVALID_ARGUMENT


async def test_a_predictor_that_is_late_is_cancelled(tmp_path: Path) -> None:
    async with rpc(tmp_path, SEEING, GrpcLimits(answer_s=0.2)) as play:
        play.predictor.slow = True
        error = await refused(play.infer())
        assert error.code() is StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(SECONDS):
            await play.predictor.cancelled.wait()


async def test_a_client_that_leaves_cancels_the_predictor(tmp_path: Path) -> None:
    async with rpc(tmp_path, SEEING) as play:
        play.predictor.slow = True
        call = play.infer()
        async with asyncio.timeout(SECONDS):
            await play.predictor.working.acquire()
            began = time.monotonic()
            call.cancel()
            await play.predictor.cancelled.wait()
            assert time.monotonic() - began < 1
            await Seeing.over.wait()
        assert Seeing.outcomes[0].cancelled


async def test_a_large_message_is_refused_unread(tmp_path: Path) -> None:
    limits = GrpcLimits(message_bytes=10_000)
    async with rpc(tmp_path, SEEING, limits) as play:
        message = pb.ModelInferRequest(model_name="m", raw_input_contents=[b"x" * 20_000])
        error = await refused(play.call("ModelInfer", message.SerializeToString()))
        assert error.code() is StatusCode.RESOURCE_EXHAUSTED
        assert Seeing.calls == []
        assert await play.infer() == ANSWER


async def test_a_large_message_that_is_compressed_is_refused_too(tmp_path: Path) -> None:
    limits = GrpcLimits(message_bytes=100_000)
    async with rpc(tmp_path, SEEING, limits) as play:
        message = pb.ModelInferRequest(model_name="m", raw_input_contents=[b"x" * 10**7])
        raw = message.SerializeToString()
        call = play.call("ModelInfer", raw, compression=grpc.Compression.Gzip)
        assert (await refused(call)).code() is StatusCode.RESOURCE_EXHAUSTED
        assert Seeing.calls == []


async def test_a_large_answer_is_refused(tmp_path: Path) -> None:
    async with rpc(tmp_path, limits=GrpcLimits(message_bytes=10_000)) as play:
        play.predictor.answer = b"x" * 20_000
        assert (await refused(play.infer())).code() is StatusCode.RESOURCE_EXHAUSTED


async def test_more_calls_than_may_run_are_refused_at_once(tmp_path: Path) -> None:
    async with rpc(tmp_path, limits=GrpcLimits(calls=3)) as play:
        play.predictor.slow = True
        running = [play.infer() for _ in range(3)]
        async with asyncio.timeout(SECONDS):
            for _ in range(3):
                await play.predictor.working.acquire()
        assert (await refused(play.infer())).code() is StatusCode.RESOURCE_EXHAUSTED
        play.predictor.go_on.set()
        assert await asyncio.gather(*running) == [ANSWER] * 3


async def test_a_client_that_sends_nothing_keeps_no_place(tmp_path: Path) -> None:
    async with rpc(tmp_path, limits=GrpcLimits(calls=1, read_s=0.2)) as play:
        silent = play.channel.stream_unary(SERVICE + "ModelInfer")()
        assert (await refused(silent)).code() is StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    assert await play.infer() == ANSWER
                except aio.AioRpcError:
                    await asyncio.sleep(0.01)
                else:
                    break


@pytest.mark.parametrize("messages", [[], [b"\x0a\x01m", b"\x0a\x01n"]])
async def test_a_call_has_one_message(tmp_path: Path, messages: Iterable[bytes]) -> None:
    async with rpc(tmp_path, SEEING) as play:
        call = play.channel.stream_unary(SERVICE + "ModelInfer")(iter(messages))
        assert (await refused(call)).code() is StatusCode.INVALID_ARGUMENT
        assert Seeing.calls == []


async def test_drain_lets_running_calls_end_and_takes_no_new_ones(tmp_path: Path) -> None:
    async with rpc(tmp_path) as play:
        play.predictor.slow = True
        running = play.infer()
        async with asyncio.timeout(SECONDS):
            await play.predictor.working.acquire()
            draining = asyncio.create_task(play.front.drain(SECONDS))
            await asyncio.sleep(0.05)
            assert (await refused(play.infer())).code() is StatusCode.UNAVAILABLE
            play.predictor.go_on.set()
            assert await running == ANSWER
            await draining


async def test_calls_that_run_outlive_the_end_of_accepting(tmp_path: Path) -> None:
    async with rpc(tmp_path) as play:
        play.predictor.slow = True
        running = play.infer()
        async with asyncio.timeout(SECONDS):
            await play.predictor.working.acquire()
            play.front.stop_accepting()
            await asyncio.sleep(0.05)
            assert (await refused(play.infer())).code() is StatusCode.UNAVAILABLE
            play.predictor.go_on.set()
            assert await running == ANSWER


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    async with rpc(tmp_path) as play:
        address = f"127.0.0.1:{play.predictor.port}"
        second = GrpcFront(play.front.port, address, InFlight(Pipeline(())), host="127.0.0.1")
        with pytest.raises(OperationError, match=f"port {play.front.port}"):
            await second.start()
        await second.drain(0)


async def test_keys_and_scopes_hold_over_grpc(tmp_path: Path) -> None:
    keys = [
        {"tenant": "acme", "name": "all", "key": "pl-key-of-acme-0123456789", "scopes": ["infer:m"]}
    ]
    async with rpc(tmp_path, f"- auth: {json.dumps({'keys': keys})}") as play:
        good = (("authorization", "Bearer pl-key-of-acme-0123456789"),)
        wrong = (("authorization", "Bearer pl-key-of-acme-012345678X"),)
        assert await play.infer(metadata=good) == ANSWER
        assert (await refused(play.infer())).code() is StatusCode.UNAUTHENTICATED
        assert (await refused(play.infer(metadata=wrong))).code() is StatusCode.UNAUTHENTICATED
        other = await refused(play.infer("other", metadata=good))
        assert other.code() is StatusCode.PERMISSION_DENIED
        # Of two names the last one is asked for, and the scope is that one's.
        hidden = pb.ModelInferRequest(model_name="m").SerializeToString() + b"\x0a\x05other"
        refusal = await refused(play.call("ModelInfer", hidden, metadata=good))
        assert refusal.code() is other.code()
        ((_, _, metadata),) = play.predictor.asked
        assert "authorization" not in metadata
        assert metadata["x-tenant-id"] == "acme"


async def test_after_the_grace_a_drain_ends_what_still_runs(tmp_path: Path) -> None:
    async with rpc(tmp_path, SEEING) as play:
        play.predictor.slow = True
        running = play.infer()
        async with asyncio.timeout(SECONDS):
            await play.predictor.working.acquire()
            await play.front.drain(0.1)
            error = await refused(running)
            assert error.code() in {StatusCode.UNAVAILABLE, StatusCode.CANCELLED}
            await play.predictor.cancelled.wait()


async def test_live_and_ready_need_no_credentials_and_see_no_step(tmp_path: Path) -> None:
    ready = True
    async with rpc(tmp_path, SEEING, ready=lambda: ready) as play:
        live = pb.ServerLiveResponse.FromString(await play.call("ServerLive", b""))
        assert live.live
        assert play.predictor.asked == []

        async def is_ready() -> bool:
            answer = pb.ServerReadyResponse.FromString(await play.call("ServerReady", b""))
            return bool(answer.ready)

        assert await is_ready()
        play.predictor.refuse = (StatusCode.UNAVAILABLE, "loading")
        assert not await is_ready()
        play.predictor.refuse = None
        ready = False
        assert not await is_ready()
        assert Seeing.calls == []


async def test_limits_hold_over_grpc_too(tmp_path: Path) -> None:
    limit = "- ratelimit: {key: {requests: {rate: 1/h, burst: 2}}}"
    async with rpc(tmp_path, limit) as play:
        for _ in range(2):
            await play.infer()
        error = await refused(play.infer())
        assert error.code() is StatusCode.RESOURCE_EXHAUSTED
        assert int(trailing(error)["grpc-retry-pushback-ms"]) > 3_000_000
        assert trailing(error)["x-ratelimit-remaining-requests"] == "0"
        assert len(play.predictor.asked) == 2


async def test_knative_is_told_whom_the_call_is_for(tmp_path: Path) -> None:
    """Knative's gateway finds the revision by the authority, whatever the address."""
    heard = bytearray()
    told = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")  # HTTP/2: no settings
        while data := await reader.read(4096):
            heard.extend(data)
            if b"m-predictor.example.com" in heard:
                told.set()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    address = "127.0.0.1:{1}".format(*server.sockets[0].getsockname())
    channels = Channels(address, "m-predictor.example.com", 2**20)
    asking = asyncio.create_task(channels.ready(SERVICE + "ServerReady", SECONDS))
    async with asyncio.timeout(SECONDS):
        await told.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await channels.close()
    server.close()
