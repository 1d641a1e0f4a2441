"""``GET /v1/models/{model}``: OpenAI's and KServe V1's route at the same path, in one answer."""

from collections.abc import Callable
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from pilotlight.errors import ModelNotFound, Unavailable


class ModelList(Protocol):
    """The models and adapters that are served, as OpenAI's list has them."""

    async def show_available_models(self) -> Any:
        """Return an object with ``data``: pydantic models that have an ``id``."""
        ...


def register_model_route(app: FastAPI, models: ModelList, is_ready: Callable[[], bool]) -> None:
    """Add the route to an application that translates request errors.

    Args:
        models: Where the model is looked up.
        is_ready: What KServe's half of the answer says; while it is false the status is 503.
    """

    async def model(model_name: str) -> JSONResponse:
        listed = await models.show_available_models()
        card = next((card for card in listed.data if card.id == model_name), None)
        if card is None:
            raise ModelNotFound(f"model {model_name} does not exist", param="model")
        if not is_ready():
            raise Unavailable(f"model {model_name} is not ready")
        return JSONResponse({**card.model_dump(), "name": model_name, "ready": True})

    # An adapter's name may have slashes.
    app.add_api_route("/v1/models/{model_name:path}", model, methods=["GET"])
