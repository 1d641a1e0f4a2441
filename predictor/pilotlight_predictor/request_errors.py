"""Request errors that only the predictor raises."""

from pilotlight.errors import RequestError


class ModelNotFound(RequestError):
    """No model, adapter or route of that name."""

    status = 404
    kind = "not_found_error"
    code = "model_not_found"


class NotSupported(RequestError):
    """A part of a protocol that this model or server does not have."""

    status = 501
    kind = "not_supported_error"
    code = "not_supported"


class RouteNotFound(RequestError):
    """No such path, or one that this server does not offer."""

    status = 404
    kind = "not_found_error"
    code = "route_not_found"


class MethodNotAllowed(RequestError):
    """The path exists, with another method."""

    status = 405
    kind = "invalid_request_error"
    code = "method_not_allowed"
