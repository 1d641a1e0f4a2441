"""KServe's model server around one vLLM engine.

Importing this module imports KServe, which parses ``sys.argv`` when it is imported: see
:func:`load_kserve`.
"""

from typing import Any

from fastapi import FastAPI
from grpc import aio
from kserve import ModelServer
from kserve.model import BaseKServeModel

from pilotlight_predictor.grpc_server import GrpcLimits, build_grpc_server
from pilotlight_predictor.health.routes import HealthRoutes
from pilotlight_predictor.kserve_routes import register_kserve_routes
from pilotlight_predictor.scope import RequestScope
from pilotlight_predictor.settings import PredictorSettings


class PredictorServer(ModelServer):  # type: ignore[misc]
    """KServe's registry, data plane and protocols; start and stop are the predictor's.

    KServe's own ``start`` runs the event loop, answers ready too early and ends streams at
    SIGTERM, so that it is replaced and not called.
    """

    def __init__(self, settings: PredictorSettings) -> None:
        super().__init__(
            http_port=settings.http_port,
            grpc_port=settings.grpc_port,
            workers=1,
            max_threads=settings.max_threads,
            enable_grpc=settings.enable_grpc,
        )
        self._settings = settings
        self._grpc: aio.Server | None = None

    def application(self) -> FastAPI:
        """V1 and V2 over REST."""
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
        register_kserve_routes(app, self.dataplane)
        return app

    async def open(
        self, models: list[BaseKServeModel], health: HealthRoutes, request_scope: RequestScope
    ) -> None:
        """Register the models and serve V2 over gRPC, if that is on."""
        for model in models:
            self.register_model(model)
        if not self.enable_grpc:
            return
        self._grpc = build_grpc_server(
            self._settings.grpc_port,
            self.dataplane,
            self.model_repository_extension,
            self._settings.max_threads,
            GrpcLimits(
                max_send_bytes=self._settings.grpc_max_send_message_length,
                max_receive_bytes=self._settings.grpc_max_receive_message_length,
            ),
            is_ready=lambda: health.ready().ok,
            request_scope=request_scope,
        )
        await self._grpc.start()

    async def close(self, grace_s: float) -> None:
        """End the gRPC server; calls that still run are cancelled after ``grace_s`` seconds."""
        if self._grpc is not None:
            await self._grpc.stop(grace_s)

    def start(self, models: list[BaseKServeModel]) -> Any:
        """Not used: see the class."""
        raise NotImplementedError("the predictor's process starts and stops this server")
