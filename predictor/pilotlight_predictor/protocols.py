"""All protocols on one started engine."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from pilotlight_predictor.front import ADMIN_PREFIX
from pilotlight_predictor.generator import VllmTextGenerator
from pilotlight_predictor.health.routes import HealthRoutes
from pilotlight_predictor.kserve_model import PredictorModel
from pilotlight_predictor.lora import AdapterFolders, LoraRoutes
from pilotlight_predictor.model_route import register_model_route
from pilotlight_predictor.openai import build_openai_app
from pilotlight_predictor.protocol_errors import translate_errors
from pilotlight_predictor.router import PathRouter
from pilotlight_predictor.scope import RequestScope
from pilotlight_predictor.server import PredictorServer
from pilotlight_predictor.settings import KSERVE_MODEL_DIR, PredictorSettings
from pilotlight_predictor.vllm_adapters import VllmAdapters


async def open_protocols(
    settings: PredictorSettings,
    engine: Any,
    arguments: Namespace,
    http_server: Any,
    health: HealthRoutes,
    request_scope: RequestScope,
) -> tuple[PathRouter, PredictorServer]:
    """Build the applications and start gRPC.

    Returns:
        The router for the front, and KServe's server, to be closed at the end.
    """
    tasks = await engine.get_supported_tasks()
    openai = await build_openai_app(engine, arguments, tasks, http_server)
    server = PredictorServer(settings)
    generator = VllmTextGenerator(openai.state)
    names = arguments.served_model_name or [settings.model_name]
    models = [PredictorModel(name, generator, is_ready=lambda: health.ready().ok) for name in names]
    await server.open(models, health, request_scope)
    kserve, admin = server.application(), _admin(settings, openai)
    for app, path in ((openai, "/v1/"), (kserve, "/v2/"), (admin, ADMIN_PREFIX)):
        translate_errors(app, path)
    for app in (openai, kserve):
        register_model_route(
            app, openai.state.openai_serving_models, is_ready=lambda: health.ready().ok
        )
    return PathRouter(openai, kserve, admin), server


def _admin(settings: PredictorSettings, openai: FastAPI) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    roots = settings.lora_root or (_default_root(settings),)
    token = settings.admin_token
    adapters = VllmAdapters(openai.state.openai_serving_models)
    LoraRoutes(adapters, AdapterFolders(roots), token).register(app)
    return app


def _default_root(settings: PredictorSettings) -> Path:
    return settings.model_dir.parent if settings.model_dir is not None else KSERVE_MODEL_DIR
