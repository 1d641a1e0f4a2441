"""vLLM's own application, cut down to the routes that this server means to offer."""

import os
from argparse import Namespace
from typing import Any

from fastapi import FastAPI
from vllm.entrypoints.launchers.api_server.app_state import init_app_state
from vllm.entrypoints.launchers.app import build_app
from vllm.utils.gc_utils import freeze_gc_heap

MOST_CHOICES_VARIABLE = "VLLM_MAX_N_SEQUENCES"
MOST_CHOICES = 128
"""The largest ``n``, as OpenAI has it; vLLM's own limit of 16384 is a queue in one request."""

ALLOWED = frozenset(
    {
        "/v1/models",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/embeddings",
        "/v1/score",
        "/v1/rerank",
        "/v1/audio/transcriptions",
        "/v1/audio/translations",
        "/tokenize",
        "/detokenize",
        "/pooling",
        "/classify",
        "/version",
    }
)
"""Left out: routes that change the server (adapters, sleep, profiling, scaling) or tell of it."""


async def build_openai_app(
    engine: Any, arguments: Namespace, supported_tasks: tuple[str, ...], server: Any
) -> FastAPI:
    """Build vLLM's application on a running engine.

    Args:
        engine: vLLM's engine client.
        arguments: vLLM's parsed arguments.
        supported_tasks: What the model can do.
        server: The uvicorn server; vLLM's error handlers end it when the engine has died.
    """
    os.environ.setdefault(MOST_CHOICES_VARIABLE, str(MOST_CHOICES))
    app: FastAPI = build_app(arguments, supported_tasks, engine.model_config)
    await init_app_state(engine, app.state, arguments, supported_tasks)
    app.state.server = server
    # A redirect would name the path without the prefix that was taken off it.
    app.router.redirect_slashes = False
    app.router.routes[:] = [route for route in app.router.routes if _allowed(route)]
    freeze_gc_heap()
    return app


def _allowed(route: Any) -> bool:
    return getattr(route, "path", None) in ALLOWED
