"""The model that a call means, for scopes that open some models only."""

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.route import Route

_NO_MODEL = frozenset({Route.FEEDBACK, Route.CONVERSATIONS})
"""They concern what a tenant has; each step tells its tenants apart by itself."""
_IN_PATH = frozenset({Route.MODELS, Route.METADATA, Route.PREDICT, Route.INFER})


def asked_model(call: Call, default: str) -> str | None:
    """The model's name as the client wrote it, or the default model where it wrote none.

    Returns:
        ``None`` for what concerns no one model: lists, the server, feedback, conversations.

    Raises:
        InvalidRequest: The body must name the model and cannot be read so.
    """
    if call.route in _NO_MODEL:
        return None
    if call.over_grpc or call.route in _IN_PATH:
        writes = call.route not in {Route.MODELS, Route.METADATA}
        return call.path_name or (default if writes else None)
    if not call.body:
        return default
    model = call.document.get("model")
    if model is not None and not isinstance(model, str):
        raise InvalidRequest("model must be a string", param="model")
    return model or default


def only_model(call: Call) -> None:
    """Let a body that was checked go on with just what was checked.

    JSON may name a member twice, and servers differ in which one they take; some take members
    without regard to case.

    Raises:
        InvalidRequest: The body has a member that another server may take for the model.
    """
    if call.over_grpc or call.route in _NO_MODEL or call.route in _IN_PATH or not call.body:
        return
    if any(name != "model" and name.lower() == "model" for name in call.document):
        raise InvalidRequest("the body has a second 'model' in other letters", param="model")
    call.edit()
