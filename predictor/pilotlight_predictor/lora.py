"""LoRA adapters at run time, on admin routes that need a token."""

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from pilotlight.errors import InvalidRequest, ModelNotFound, RequestError, Unauthorized
from pilotlight.http_error import error_body, error_headers

ADAPTER_CONFIG = "adapter_config.json"

AdapterName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$", strict=True)
]


class Adapters(Protocol):
    """The adapters that the engine serves as models."""

    async def load(self, name: str, path: Path) -> None:
        """Load an adapter; it is listed as a model and ready when this returns.

        Raises:
            RequestError: The name is taken, or the engine cannot use the adapter.
        """
        ...

    async def unload(self, name: str) -> None:
        """Take an adapter away; requests that run with it go on.

        Raises:
            RequestError: There is no adapter of that name.
        """
        ...


class LoadAdapter(BaseModel):
    """The body of ``POST /admin/lora/load``."""

    model_config = ConfigDict(extra="forbid")

    name: AdapterName
    path: Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class UnloadAdapter(BaseModel):
    """The body of ``POST /admin/lora/unload``."""

    model_config = ConfigDict(extra="forbid")

    name: AdapterName


@dataclass(frozen=True, slots=True)
class AdapterFolders:
    """The folders under which adapters may lie.

    Args:
        roots: Links in a path are followed before it is compared with these.
    """

    roots: Sequence[Path]

    def find(self, path: str) -> Path:
        """The adapter's folder, for an absolute path or one relative to a root.

        Raises:
            InvalidRequest: It is outside of the roots, or holds no adapter.
        """
        for root in self.roots:
            try:
                base = root.resolve()
                folder = (base / path).resolve()
                if folder.is_relative_to(base) and (folder / ADAPTER_CONFIG).is_file():
                    return folder
            except (OSError, ValueError, RuntimeError):
                continue
        # One message for both, so that nobody can feel their way around the disk.
        raise InvalidRequest(
            f"path: no folder with {ADAPTER_CONFIG} under the LoRA roots", param="path"
        )


_Body = TypeVar("_Body", bound=BaseModel)


class LoraRoutes:
    """``POST /admin/lora/load`` and ``POST /admin/lora/unload``.

    Args:
        adapters: The engine's adapters.
        folders: Where adapters may come from.
        token: The bearer token; ``None`` hides the routes.
    """

    def __init__(self, adapters: Adapters, folders: AdapterFolders, token: str | None) -> None:
        self._adapters = adapters
        self._folders = folders
        self._token = token

    def register(self, app: FastAPI) -> None:
        """Add the routes to an application."""
        router = APIRouter(prefix="/admin/lora")
        router.add_api_route("/load", self.load, methods=["POST"])
        router.add_api_route("/unload", self.unload, methods=["POST"])
        app.include_router(router)

    async def load(self, request: Request) -> Response:
        """Load an adapter from a folder and list it as a model."""
        try:
            body = await self._body(request, LoadAdapter)
            path = await asyncio.to_thread(self._folders.find, body.path)
            await self._adapters.load(body.name, path)
        except RequestError as error:
            return _refusal(request, error)
        return JSONResponse({"name": body.name, "loaded": True})

    async def unload(self, request: Request) -> Response:
        """Take an adapter off the list of models."""
        try:
            body = await self._body(request, UnloadAdapter)
            await self._adapters.unload(body.name)
        except RequestError as error:
            return _refusal(request, error)
        return JSONResponse({"name": body.name, "loaded": False})

    async def _body(self, request: Request, kind: type[_Body]) -> _Body:
        self._authorize(request)
        try:
            return kind.model_validate_json(await request.body())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = ".".join(str(part) for part in first["loc"]) or "body"
            raise InvalidRequest(f"{name}: {first['msg']}", param=name) from None

    def _authorize(self, request: Request) -> None:
        if not self._token:
            raise ModelNotFound("no such route")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode(), self._token.encode())
        if scheme.lower() != "bearer" or not right:
            raise Unauthorized("send the admin token: Authorization: Bearer TOKEN")


def _refusal(request: Request, error: RequestError) -> Response:
    body = error_body(error, request.url.path)
    response = Response(body, error.status)
    response.raw_headers = error_headers(error, body)
    return response
