"""Which targets are recognised, and in which one spelling they go on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import InvalidRequest, MethodNotAllowed, RequestError, RouteNotFound
from pilotlight_transformer.pipeline.route import Match, Route, match


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("POST", "/v1/chat/completions", Match(Route.CHAT, "/v1/chat/completions")),
        ("POST", "/openai/v1/chat/completions", Match(Route.CHAT, "/v1/chat/completions")),
        ("POST", "/v1/ch%61t/completions", Match(Route.CHAT, "/v1/chat/completions")),
        ("GET", "/v1/models", Match(Route.MODELS, "/v1/models")),
        ("GET", "/v1/models/a/b:c", Match(Route.MODELS, "/v1/models/a/b:c", "a/b:c")),
        ("POST", "/v1/models/m:predict", Match(Route.PREDICT, "/v1/models/m:predict", "m")),
        ("POST", "/v2/models/m/infer", Match(Route.INFER, "/v2/models/m/infer", "m")),
        ("GET", "/v2/models/m/ready", Match(Route.METADATA, "/v2/models/m/ready", "m")),
        ("DELETE", "/v1/conversations/x", Match(Route.CONVERSATIONS, "/v1/conversations/x", "x")),
    ],
)
def test_the_routes(method: str, target: str, expected: Match) -> None:
    assert match(method, target.encode()) == expected


@pytest.mark.parametrize(
    "target",
    [
        "/v1/../admin/lora/load",
        "/v1/%2e%2e/admin",
        "/v1//chat/completions",
        "//v1/chat/completions",
        "/v1/chat/completions#x",
        "/v1/chat/completions;x",
        "/v1/chat\\completions",
        "/v1/chat/completions%00",
        "/v1/chat/completions%0d%0aX: y",
        "/v1/chat/completions%2523",
        "/v1/./models",
        "v1/chat/completions",
        "http://elsewhere/v1/models",
        "*",
        "",
    ],
)
def test_other_spellings_are_refused(target: str) -> None:
    with pytest.raises(RequestError) as raised:
        match("POST", target.encode())
    assert raised.value.status in {400, 404}


@pytest.mark.parametrize(
    "target",
    [
        "/admin/lora/load",
        "/v2/repository/models/m/unload",
        "/v1/Chat/completions",
        "/v1/chat/completions/",
        "/openai/openai/v1/chat/completions",
        "/docs",
        "/v1",
    ],
)
def test_what_is_no_route_is_not_found(target: str) -> None:
    with pytest.raises((RouteNotFound, InvalidRequest)):
        match("POST", target.encode())


def test_another_method_is_named() -> None:
    with pytest.raises(MethodNotAllowed, match="POST"):
        match("GET", b"/v1/chat/completions")


@given(st.binary(max_size=60))
def test_whatever_comes_is_recognised_or_refused(target: bytes) -> None:
    try:
        found = match("POST", b"/v1/" + target)
    except RequestError:
        return
    assert ".." not in found.path.split("/")
    assert found.path.isascii()
    assert found.path.isprintable()
    assert match("POST", found.path.encode()) == found
