"""What an application refuses by itself is answered in its protocol's shape."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, model_validator

from pilotlight.errors import ModelNotFound
from pilotlight_predictor.protocol_errors import translate_errors


class Hasty(BaseModel):
    """Looks into a field before its type is checked, as some of vLLM's requests do."""

    model: str
    options: dict[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _looks_into_options(cls, data: Any) -> Any:
        data.get("options", {}).get("name")
        return data


async def route(body: Hasty) -> None:
    if body.model == "bug":
        raise AttributeError("of the server")
    raise ModelNotFound(body.model, param="model")


def client_of(path: str) -> httpx.AsyncClient:
    app = FastAPI()
    app.add_api_route("/route", route, methods=["POST"])
    # vLLM's application comes with its middleware built.
    app.middleware_stack = app.build_middleware_stack()
    translate_errors(app, path)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://predictor")


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("POST", "/none", b"", 404, "route_not_found"),
        ("GET", "/route", b"", 405, "method_not_allowed"),
        ("POST", "/route", b'{"model": "\xff"}', 400, "invalid_request"),
        ("POST", "/route", b"[" * 100_000, 400, "invalid_request"),
        ("POST", "/route", b'{"model": "a", "options": 5}', 400, "invalid_request"),
        ("POST", "/route", b"[]", 400, "invalid_request"),
        ("POST", "/route", b'{"model": "nobody"}', 404, "model_not_found"),
    ],
)
async def test_openais_shape_on_openais_paths_and_kserves_on_its_own(
    method: str, path: str, content: bytes, status: int, code: str
) -> None:
    headers = {"content-type": "application/json"}
    async with client_of("/v1/") as client:
        answer = await client.request(method, path, content=content, headers=headers)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.json()["error"]["code"] == code
    async with client_of("/v2/") as client:
        answer = await client.request(method, path, content=content, headers=headers)
    assert answer.status_code == status
    assert isinstance(answer.json()["error"], str)


async def test_a_servers_own_fault_is_not_called_the_clients() -> None:
    async with client_of("/v1/") as client:
        with pytest.raises(AttributeError, match="of the server"):
            await client.post("/route", json={"model": "bug"})
