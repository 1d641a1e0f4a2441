"""The step: no way around it, whatever the route, the headers or the body."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from pilotlight.clock import utc_now
from pilotlight_transformer.auth.api_keys import new_key
from pilotlight_transformer.commands.key_stores import FileKeys
from pilotlight_transformer.pipeline.call import ANONYMOUS, Call
from pilotlight_transformer.pipeline.headers import Headers
from pilotlight_transformer.pipeline.route import Route
from tests.unit.transformer.auth.issuing import JwksServer, jwk, private_key, public_pem, token
from tests.unit.transformer.auth.playing_auth import (
    KEY,
    OTHER_KEY,
    auth,
    bearing,
    issuer,
    message,
    static,
    status,
)
from tests.unit.transformer.playing import Play, a_call, a_chat

ASKED: dict[Route, tuple[str, str, dict[str, Any] | None]] = {
    Route.CHAT: ("POST", "/v1/chat/completions", {"model": "m"}),
    Route.COMPLETIONS: ("POST", "/v1/completions", {"model": "m"}),
    Route.EMBEDDINGS: ("POST", "/v1/embeddings", {"model": "m"}),
    Route.MODELS: ("GET", "/v1/models/m", None),
    Route.RESPONSES: ("POST", "/v1/responses", {"model": "m"}),
    Route.MESSAGES: ("POST", "/v1/messages", {"model": "m"}),
    Route.TOKENIZE: ("POST", "/detokenize", {"model": "m"}),
    Route.PREDICT: ("POST", "/v1/models/m:predict", {"instances": [1], "model": "other"}),
    Route.INFER: ("POST", "/v2/models/m/infer", {"inputs": [], "model": "other"}),
    Route.METADATA: ("GET", "/v2/models/m/ready", None),
    Route.FEEDBACK: ("POST", "/v1/feedback", {"model": "m"}),
    Route.CONVERSATIONS: ("GET", "/v1/conversations/m", None),
}
WITH_MODEL = set(ASKED) - {Route.FEEDBACK, Route.CONVERSATIONS}
BODY_NAMES_IT = WITH_MODEL - {Route.MODELS, Route.METADATA, Route.PREDICT, Route.INFER}


def keyed(folder: Path, *scopes: str, **more: Any) -> Play:
    return auth(folder, keys=[static(scopes=list(scopes))], **more)


def calling(route: Route, key: str | None = KEY, **changed: Any) -> Call:
    method, path, body = ASKED[route]
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    changed_body = {**body, **changed} if body is not None else None
    return a_call(changed_body, method=method, path=path, headers=headers)


def test_every_route_is_tried_here() -> None:
    assert set(ASKED) == set(Route)


@pytest.mark.parametrize("route", Route)
async def test_no_route_is_open_without_a_key(route: Route, tmp_path: Path) -> None:
    async with keyed(tmp_path, "*:*") as play:
        client = await play.send(calling(route, key=None))
        assert client.status == 401
        assert client.headers.text(b"www-authenticate") == "Bearer"
        assert (await play.send(calling(route, key="wrong-wrong-wrong"))).status == 401
        assert not play.predictor.asked
        assert (await play.send(calling(route))).status == 200


@pytest.mark.parametrize("route", Route)
async def test_each_route_needs_its_own_scope(route: Route, tmp_path: Path) -> None:
    others = [f"{other.value}:*" for other in Route if other is not route]
    async with keyed(tmp_path, *others) as play:
        client = await play.send(calling(route))
        assert client.status == 403
        assert f"the scope {route.value}:" in message(client)
    async with keyed(tmp_path, f"{route.value}:*") as play:
        assert (await play.send(calling(route))).status == 200


@pytest.mark.parametrize("route", sorted(WITH_MODEL))
async def test_a_scope_of_one_model_is_asked_for_the_model_that_is_meant(
    route: Route, tmp_path: Path
) -> None:
    async with keyed(tmp_path, f"{route.value}:m") as play:
        assert (await play.send(calling(route))).status == 200
    async with keyed(tmp_path, f"{route.value}:other", f"{route.value}:m?") as play:
        client = await play.send(calling(route))
        assert (client.status, play.predictor.asked) == (403, [])
        assert f"lacks the scope {route.value}:m:" in message(client)


@pytest.mark.parametrize("route", sorted(BODY_NAMES_IT))
@pytest.mark.parametrize("unnamed", [{"model": None}, {"model": ""}])
async def test_a_body_without_model_means_the_default_one(
    route: Route, unnamed: dict[str, Any], tmp_path: Path
) -> None:
    async with keyed(tmp_path, f"{route.value}:m") as play:
        assert (await play.send(calling(route, **unnamed))).status == 200
    async with keyed(tmp_path, f"{route.value}:other") as play:
        assert (await play.send(calling(route, **unnamed))).status == 403
        empty = calling(route)
        empty.body = b""
        assert (await play.send(empty)).status == 403


@pytest.mark.parametrize("path", ["/v1/models", "/v2", "/v2/models"])
async def test_lists_need_a_scope_of_all_models(path: str, tmp_path: Path) -> None:
    headers = {"authorization": f"Bearer {KEY}"}
    async with keyed(tmp_path, "models:m", "metadata:m") as play:
        assert (await play.send(a_call(method="GET", path=path, headers=headers))).status == 403
    async with keyed(tmp_path, "models:*", "metadata:*") as play:
        assert (await play.send(a_call(method="GET", path=path, headers=headers))).status == 200


BODIES = {
    "a model twice": (b'{"model":"forbidden","messages":[],"model":"m"}', 200),
    "a model twice, the other way round": (b'{"model":"m","messages":[],"model":"forbidden"}', 403),
    "a model with an escape": (b'{"mod\\u0065l":"forbidden"}', 403),
    "a model in other letters": (b'{"model":"m","Model":"forbidden"}', 400),
    "no model but in other letters": (b'{"MODEL":"forbidden"}', 400),
    "a list of models": (b'{"model":["m","forbidden"]}', 400),
    "a number": (b'{"model":5}', 400),
    "half a character": (b'{"model":"\\ud800"}', 400),
    "no JSON": (b"model=m", 400),
    "a list": (b'["m"]', 400),
}


@pytest.mark.parametrize("what", BODIES)
async def test_what_goes_on_is_what_was_checked(what: str, tmp_path: Path) -> None:
    body, wanted = BODIES[what]
    async with keyed(tmp_path, "chat:m") as play:
        assert await status(play, KEY, body) == wanted
        for asked in play.predictor.asked:
            assert b"forbidden" not in asked.payload()


async def test_a_body_goes_on_byte_for_byte_where_every_model_is_open(tmp_path: Path) -> None:
    body = b'{ "model":"a",  "seed": 1.0, "model":"b" }'
    async with keyed(tmp_path, "chat:*") as play:
        assert await status(play, KEY, body) == 200
        assert play.predictor.asked[0].payload() == body


@pytest.mark.parametrize("name", ["m", None, ""])
async def test_a_call_over_grpc_is_judged_by_the_model_it_names(
    name: str | None, tmp_path: Path
) -> None:
    def infer() -> Call:
        headers = Headers([(b"authorization", f"Bearer {KEY}".encode())])
        return Call(
            Route.INFER, "POST", "", headers, b"\x0a\x05other", path_name=name, over_grpc=True
        )

    async with keyed(tmp_path, "infer:m") as play:
        assert (await play.send(infer())).status == 200
        assert b"authorization" not in play.predictor.asked[0].headers
    async with keyed(tmp_path, "infer:other") as play:
        assert (await play.send(infer())).status == 403
        nameless = infer()
        nameless.headers = Headers()
        assert (await play.send(nameless)).status == 401


async def test_who_the_client_claims_to_be_does_not_go_on(tmp_path: Path) -> None:
    call = a_call(
        a_chat(),
        headers={
            "x-tenant-id": "somebody-else",
            "authorization": f"bearer   {KEY}",
            "x-api-key": KEY,
            "x-request-id": "kept",
        },
    )
    async with keyed(tmp_path, "*:*") as play:
        assert (await play.send(call)).status == 200
        assert play.predictor.asked[0].headers.pairs == [(b"x-request-id", b"kept")]
        assert call.identity.tenant == "acme"


async def test_a_key_may_come_in_its_own_header(tmp_path: Path) -> None:
    async with keyed(tmp_path, "*:*") as play:
        call = a_call(a_chat(), headers={"x-api-key": KEY})
        assert (await play.send(call)).status == 200


SMUGGLED: dict[str, list[tuple[bytes, bytes]]] = {
    "two headers": [
        (b"authorization", b"Bearer " + KEY.encode()),
        (b"authorization", b"Bearer " + OTHER_KEY.encode()),
    ],
    "the same header twice": [(b"authorization", b"Bearer " + KEY.encode())] * 2,
    "two keys": [(b"x-api-key", KEY.encode())] * 2,
    "two that differ": [
        (b"authorization", b"Bearer " + KEY.encode()),
        (b"x-api-key", OTHER_KEY.encode()),
    ],
    "two in one": [(b"authorization", f"Bearer {KEY}, Bearer {OTHER_KEY}".encode())],
    "another scheme": [(b"authorization", b"Basic " + KEY.encode())],
    "no scheme": [(b"authorization", KEY.encode())],
    "a scheme alone": [(b"authorization", b"Bearer ")],
    "nothing": [(b"authorization", b"")],
    "no key": [(b"x-api-key", b"")],
    "another scheme beside a good key": [
        (b"authorization", b"Basic x"),
        (b"x-api-key", KEY.encode()),
    ],
    "no text": [(b"authorization", b"Bearer \xff\x00")],
}


@pytest.mark.parametrize("how", SMUGGLED)
@pytest.mark.parametrize("anonymous", ["allow", "refuse"])
async def test_headers_that_can_be_read_in_two_ways_are_refused(
    how: str, anonymous: str, tmp_path: Path
) -> None:
    scopes: dict[str, Any] = {"anonymous_scopes": ["*:*"]} if anonymous == "allow" else {}
    keys = [static(), static(OTHER_KEY, "other")]
    async with auth(tmp_path, keys=keys, anonymous=anonymous, **scopes) as play:
        call = a_call(a_chat())
        call.headers = Headers(SMUGGLED[how])
        assert (await play.send(call)).status == 401
        assert (call.identity, call.headers.pairs) == (ANONYMOUS, [])


async def test_anonymous_callers_have_a_tenant_and_scopes_of_their_own(tmp_path: Path) -> None:
    async with keyed(tmp_path, "*:*", anonymous="allow", anonymous_scopes=["chat:m"]) as play:
        call = a_call(a_chat(), headers={"x-tenant-id": "acme"})
        assert (await play.send(call)).status == 200
        assert (call.identity.tenant, call.identity.scopes) == ("anonymous", ("chat:m",))
        assert (await play.send(a_call(a_chat(model="other")))).status == 403
        assert await status(play, "wrong-wrong-wrong") == 401


async def test_a_refusal_shows_a_long_model_name_cut(tmp_path: Path) -> None:
    async with keyed(tmp_path, "chat:m") as play:
        client = await play.send(bearing(KEY, a_chat(model="x" * 10_000)))
        assert client.status == 403
        assert len(message(client)) < 300


async def test_decisions_and_counts_say_how_it_went_and_hold_no_text(tmp_path: Path) -> None:
    async with keyed(tmp_path, "chat:m") as play:
        good, forbidden = bearing(KEY), bearing(KEY, a_chat(model="secret-model"))
        wrong, nobody = bearing("wrong-wrong-wrong"), a_call(a_chat())
        for call in (good, forbidden, wrong, nobody):
            await play.send(call)
        assert [(d.what, d.why) for d in good.decisions] == [("allowed", "key")]
        assert [(d.what, d.why) for d in forbidden.decisions] == [("refused", "forbidden")]
        assert [(d.what, d.why) for d in wrong.decisions] == [("refused", "invalid")]
        assert [(d.what, d.why) for d in nobody.decisions] == [("refused", "missing")]
        counted = {
            (sample.labels["by"], sample.labels["outcome"]): sample.value
            for metric in play.pipeline.collectors()
            for family in metric.collect()
            for sample in family.samples
            if sample.name == "pilotlight_transformer_auth_requests_total"
        }
        assert counted[("key", "allowed")] == counted[("key", "forbidden")] == 1
        assert counted[("none", "invalid")] == counted[("none", "missing")] == 1


async def test_what_is_known_is_let_through_without_waiting(tmp_path: Path) -> None:
    """A coroutine that never waits ends at its first step."""
    key = private_key("RSA2048")
    async with auth(
        tmp_path, keys=[static()], issuers=[issuer(public_key=public_pem(key))]
    ) as play:
        step, good = play.pipeline.steps[0], token(key)
        assert await status(play, good) == 200
        for credential in (KEY, good):
            with pytest.raises(StopIteration):
                step.request(bearing(credential)).send(None)


async def test_no_log_line_and_no_answer_holds_a_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    signing = private_key("RSA2048")
    store = FileKeys(tmp_path / "keys.yaml")
    stored, record = new_key("acme", "", ("chat:*",), utc_now())
    await asyncio.to_thread(store.add, record)
    server = JwksServer(jwk(signing, "one"))
    caplog.set_level(logging.DEBUG)
    settings: dict[str, Any] = {
        "keys": [static()],
        "keys_file": store.place,
        "issuers": [issuer(jwks_url=server.url, allow_http=True)],
    }
    good, forged = token(signing), token(private_key("RSA2048", 1))
    secrets = [KEY, stored, good, forged, "wrong-wrong-wrong"]
    said = b""
    async with auth(tmp_path, **settings) as play:
        said += repr(play.configuration).encode()
        for credential in secrets:
            client = await play.send(bearing(credential))
            said += client.body
            said += repr(client.headers.pairs).encode()
            assert client.status in {200, 401}
        server.stop()
    logged = (
        caplog.text + json.dumps([vars(each) for each in caplog.records], default=str)
    ).encode()
    assert b"jwks.json" in logged
    for secret in (*secrets, *(part for part in good.split(".") if len(part) > 40)):
        assert secret.encode() not in said + logged
