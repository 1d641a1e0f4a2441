"""KServe's V1 and V2 routes over REST.

Left out: ``GET /v1/models`` (OpenAI's list owns it), ``GET /v1/models/{model}`` (see
:mod:`~.model_route`), ``/v2/health/*`` (the front answers) and ``/v2/repository/*`` (KServe lets
anybody unload the model there).

Importing this module imports KServe, which parses ``sys.argv`` when it is imported.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.rest.v2_datamodels import (
    ListModelsResponse,
    ModelMetadataResponse,
    ModelReadyResponse,
    ServerMetadataResponse,
)
from kserve.protocol.rest.v2_endpoints import V2Endpoints

from pilotlight.errors import NotSupported
from pilotlight_predictor.infer_body import JSON_LENGTH_HEADER, read_infer_body
from pilotlight_predictor.protocol_errors import as_request_error, error_response

EXTENSIONS = ["binary_tensor_data"]
CLIENT_CLOSED_REQUEST = 499


class _Route(APIRoute):
    """A route whose errors have V2's shape, whatever application it is mounted in."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except Exception as error:  # noqa: BLE001  # translated, and logged if unexpected
                return error_response(as_request_error(error), "/v2")

        return answer


class _Inference:
    """The routes that generate text."""

    def __init__(self, dataplane: DataPlane) -> None:
        self._dataplane = dataplane

    async def predict(self, model_name: str, request: Request) -> Response:
        """V1: ``POST /v1/models/{model_name}:predict``."""
        body = await request.body()
        return await _unless_client_leaves(request, self._predict(model_name, body, request))

    async def _predict(self, model_name: str, body: bytes, request: Request) -> Response:
        answer, _ = await self._dataplane.infer(model_name, body, dict(request.headers))
        return _json(answer)

    async def explain(self, model_name: str) -> Response:
        """V1: a language model has no explainer."""
        raise NotSupported(f"model {model_name} has no explainer: use :predict")

    async def infer(
        self, model_name: str, request: Request, model_version: str | None = None
    ) -> Response:
        """V2: ``POST /v2/models/{model_name}/infer``."""
        if model_version:
            raise NotSupported("models have no versions here: leave /versions/ out of the path")
        body = await request.body()
        return await _unless_client_leaves(request, self._infer(model_name, body, request))

    async def _infer(self, model_name: str, body: bytes, request: Request) -> Response:
        self._dataplane.get_model_from_registry(model_name)
        decoded = read_infer_body(body, request.headers.get(JSON_LENGTH_HEADER), model_name)
        answer, _ = await self._dataplane.infer(model_name, decoded, dict(request.headers))
        content, json_length = answer.to_rest()
        if json_length is None:
            return _json(content)
        return Response(
            content,
            media_type="application/octet-stream",
            headers={JSON_LENGTH_HEADER: str(json_length)},
        )


def _json(content: object) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")


async def _unless_client_leaves(request: Request, work: Coroutine[Any, Any, Response]) -> Response:
    """Run ``work``; cancel it when the client goes, so that its tokens are free at once.

    The request's body has been read before, so that ASGI has nothing more to say than that.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else Response(status_code=CLIENT_CLOSED_REQUEST)
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def register_kserve_routes(app: FastAPI, dataplane: DataPlane) -> None:
    """Add KServe's V1 and V2 routes to an application.

    Args:
        app: Where the routes go; it needs no exception handlers for them.
        dataplane: Holds the models.
    """
    app.include_router(_v1_router(dataplane))
    app.include_router(_v2_router(dataplane))


def _v1_router(dataplane: DataPlane) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["V1"], route_class=_Route)
    model = "/models/{model_name}"
    inference = _Inference(dataplane)
    router.add_api_route(f"{model}:predict", inference.predict, methods=["POST"])
    router.add_api_route(f"{model}:explain", inference.explain, methods=["POST"])
    return router


def _v2_router(dataplane: DataPlane) -> APIRouter:
    router = APIRouter(prefix="/v2", tags=["V2"], route_class=_Route)
    kserve = V2Endpoints(dataplane)

    async def metadata() -> ServerMetadataResponse:
        return ServerMetadataResponse(**{**dataplane.metadata(), "extensions": EXTENSIONS})

    router.add_api_route("", metadata, methods=["GET"])
    router.add_api_route(
        "/models", kserve.models, response_model=ListModelsResponse, methods=["GET"]
    )
    inference = _Inference(dataplane)
    for model in ("/models/{model_name}", "/models/{model_name}/versions/{model_version}"):
        router.add_api_route(
            model, kserve.model_metadata, response_model=ModelMetadataResponse, methods=["GET"]
        )
        router.add_api_route(
            f"{model}/ready",
            kserve.model_ready,
            response_model=ModelReadyResponse,
            methods=["GET"],
        )
        router.add_api_route(f"{model}/infer", inference.infer, methods=["POST"])
    return router
