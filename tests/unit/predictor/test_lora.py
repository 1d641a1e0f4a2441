"""The admin routes for LoRA adapters: who may, what may be loaded, and how it is refused."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import InvalidRequest, ModelNotFound
from pilotlight_predictor.lora import AdapterFolders, LoraRoutes

TOKEN = "correct horse"


@dataclass
class AdaptersInMemory:
    """Names and paths, with the engine's rules about names."""

    paths: dict[str, Path] = field(default_factory=dict)

    async def load(self, name: str, path: Path) -> None:
        if name in self.paths:
            raise InvalidRequest(f"adapter {name} has already been loaded")
        self.paths[name] = path

    async def unload(self, name: str) -> None:
        if self.paths.pop(name, None) is None:
            raise ModelNotFound(f"adapter {name} is not loaded")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Adapters inside, and one outside, of the root."""
    for name in ("root/poet", "root/nested/lawyer", "outside"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "adapter_config.json").write_text("{}")
    (tmp_path / "root/empty").mkdir()
    (tmp_path / "root/link").symlink_to(tmp_path / "outside")
    return tmp_path / "root"


@pytest.fixture
def adapters() -> AdaptersInMemory:
    return AdaptersInMemory()


def client_of(adapters: AdaptersInMemory, root: Path, token: str | None) -> httpx.AsyncClient:
    app = FastAPI()
    LoraRoutes(adapters, AdapterFolders([root]), token).register(app)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://predictor/admin/lora",
        headers={"authorization": f"Bearer {TOKEN}"},
    )


@pytest.fixture
async def client(adapters: AdaptersInMemory, root: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(adapters, root, TOKEN) as client:
        yield client


async def test_an_adapter_is_loaded_and_unloaded(
    client: httpx.AsyncClient, adapters: AdaptersInMemory, root: Path
) -> None:
    response = await client.post("/load", json={"name": "poet", "path": str(root / "poet")})
    assert response.json() == {"name": "poet", "loaded": True}
    assert adapters.paths == {"poet": root / "poet"}
    response = await client.post("/unload", json={"name": "poet"})
    assert response.json() == {"name": "poet", "loaded": False}
    assert adapters.paths == {}


async def test_a_path_may_be_relative_to_the_root(
    client: httpx.AsyncClient, adapters: AdaptersInMemory, root: Path
) -> None:
    await client.post("/load", json={"name": "lawyer", "path": "nested/lawyer"})
    assert adapters.paths == {"lawyer": root / "nested/lawyer"}


@pytest.mark.parametrize(
    "path", ["/etc", "../outside", "link", "empty", "none", "/", "", "poet/../../outside", "a\0b"]
)
async def test_a_path_outside_of_the_root_or_without_an_adapter_is_refused(
    client: httpx.AsyncClient, adapters: AdaptersInMemory, path: str
) -> None:
    response = await client.post("/load", json={"name": "poet", "path": path})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "path"
    assert adapters.paths == {}


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"],
)
async def test_without_the_token_nothing_happens(
    client: httpx.AsyncClient, adapters: AdaptersInMemory, header: str
) -> None:
    for action in ("load", "unload"):
        response = await client.post(
            f"/{action}",
            json={"name": "poet", "path": "poet"},
            headers={"authorization": header},
        )
        assert response.status_code == 401
        assert response.json()["error"]["type"] == "authentication_error"
        assert response.headers["www-authenticate"] == "Bearer"
    assert adapters.paths == {}


@pytest.mark.parametrize("token", [None, ""])
async def test_without_a_configured_token_there_is_no_route(
    adapters: AdaptersInMemory, root: Path, token: str | None
) -> None:
    async with client_of(adapters, root, token) as client:
        for given_token in (f"Bearer {TOKEN}", "Bearer ", "Bearer None"):
            response = await client.post(
                "/load",
                json={"name": "poet", "path": "poet"},
                headers={"authorization": given_token},
            )
            assert response.status_code == 404
    assert adapters.paths == {}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"not json", "body"),
        (b"[]", "body"),
        (b'{"path": "poet"}', "name"),
        (b'{"name": 1, "path": "poet"}', "name"),
        (b'{"name": "a b", "path": "poet"}', "name"),
        (b'{"name": "poet"}', "path"),
        (b'{"name": "poet", "path": "poet", "rank": 8}', "rank"),
        (b'{"name": "\xff", "path": "poet"}', "body"),
    ],
)
async def test_a_wrong_body_is_a_400_that_names_the_field(
    client: httpx.AsyncClient, body: bytes, param: str
) -> None:
    response = await client.post("/load", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


async def test_the_engines_refusals_keep_their_status(client: httpx.AsyncClient) -> None:
    body: dict[str, Any] = {"name": "poet", "path": "poet"}
    assert (await client.post("/load", json=body)).status_code == 200
    assert (await client.post("/load", json=body)).status_code == 400
    assert (await client.post("/unload", json={"name": "other"})).status_code == 404


@given(st.text(max_size=20) | st.lists(st.sampled_from(["..", "a", "/", "."])).map("/".join))
def test_no_path_leads_out_of_the_root(path: str) -> None:
    """The folder of this test holds no adapter: whatever the path, it is refused cleanly."""
    with pytest.raises(InvalidRequest):
        AdapterFolders([Path(__file__).parent]).find(path)
