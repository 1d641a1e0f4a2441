"""Every error that Pilotlight raises on purpose.

::

    PilotlightError
    ├── UsageError               wrong arguments or files: exit code 2
    │   └── ManifestError        a YAML document that cannot be used as it is
    ├── RequestError             one request cannot be served: an HTTP 4xx or 5xx
    │   ├── InvalidRequest       400: the request itself is wrong
    │   ├── ContentRefused       400: what it says, or would be answered, is not allowed
    │   ├── Unauthorized         401
    │   ├── Forbidden            403: known, and not allowed to
    │   ├── ModelNotFound        404
    │   ├── RouteNotFound        404
    │   ├── NotFound             404: a conversation, an answer or the like that is not there
    │   ├── MethodNotAllowed     405
    │   ├── HeadersTooSlow       408
    │   ├── BodyTooSlow          408: the body did not arrive in time
    │   ├── Outdated             409: somebody else was faster
    │   ├── BodyTooLarge         413
    │   ├── Overloaded           429: too much is waiting already
    │   ├── HeadersTooLarge      431
    │   ├── RateLimited          429: more than this caller may
    │   ├── InternalError        500
    │   ├── NotSupported         501
    │   ├── BadGateway           502: the predictor broke off, or spoke no HTTP
    │   ├── Unavailable          503: loading, draining or failed
    │   └── DeadlineExceeded     504: nobody waits for the answer any more
    └── OperationError           something that should have worked did not: exit code 1
        ├── EngineError          the engine did not start, or died
        ├── ProcessError         a process that we started ended badly
        ├── MetricsUnavailable   figures that cannot be had, or not be used
        └── ClusterError         Kubernetes did not do what was asked
            ├── AccessDenied     401 or 403: not with these credentials
            ├── NotInCluster     404: no such object, or no such kind
            ├── Conflict         409: somebody else owns the field, or was faster
            └── NotReached       no answer before the deadline

Each error carries what happened, why, and what to do, in its message. The HTTP and
command-line edges translate them once.
"""

from typing import ClassVar


class PilotlightError(Exception):
    """Root of the tree."""


class UsageError(PilotlightError):
    """Arguments or files that cannot be used: the command line exits with 2."""


class ManifestError(UsageError):
    """A YAML document that cannot be used as it is."""


class OperationError(PilotlightError):
    """Something that should have worked did not: the command line exits with 1."""


class EngineError(OperationError):
    """The engine did not start, or died."""


class ProcessError(OperationError):
    """A process that we started ended badly."""


class MetricsUnavailable(OperationError):
    """The figures' source does not answer, or answers what cannot be used."""


class ClusterError(OperationError):
    """Kubernetes did not do what was asked."""


class AccessDenied(ClusterError):
    """The API server does not allow it, or does not know who asks."""


class NotInCluster(ClusterError):
    """No such object, or the cluster does not serve its kind."""


class Conflict(ClusterError):
    """Another field manager owns the field, or the object has changed in between."""


class NotReached(ClusterError):
    """No answer before the deadline."""


class RequestError(PilotlightError):
    """One request that cannot be served.

    Args:
        message: What happened, why, and what the client can do.
        param: The request field at fault, if one is.
        retry_after_s: Seconds after which a retry may succeed.
    """

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal_error"
    code: ClassVar[str] = "internal_error"
    closes_connection: ClassVar[bool] = False

    def __init__(
        self, message: str, *, param: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s


class InvalidRequest(RequestError):
    """The request itself is wrong."""

    status = 400
    kind = "invalid_request_error"
    code = "invalid_request"


class ContentRefused(RequestError):
    """A filter does not let the text of the request or of the answer pass."""

    status = 400
    kind = "invalid_request_error"
    code = "content_filter"


class Unauthorized(RequestError):
    """No credentials, or wrong ones."""

    status = 401
    kind = "authentication_error"
    code = "invalid_token"


class Forbidden(RequestError):
    """The credentials are good, but not for this."""

    status = 403
    kind = "permission_error"
    code = "permission_denied"


class ModelNotFound(RequestError):
    """No model, adapter or route of that name."""

    status = 404
    kind = "not_found_error"
    code = "model_not_found"


class RouteNotFound(RequestError):
    """No such path, or one that this server does not offer."""

    status = 404
    kind = "not_found_error"
    code = "route_not_found"


class NotFound(RequestError):
    """Nothing of that name is kept for this caller."""

    status = 404
    kind = "not_found_error"
    code = "not_found"


class MethodNotAllowed(RequestError):
    """The path exists, with another method."""

    status = 405
    kind = "invalid_request_error"
    code = "method_not_allowed"


class HeadersTooSlow(RequestError):
    """The headers did not arrive in time."""

    status = 408
    kind = "invalid_request_error"
    code = "headers_too_slow"
    closes_connection = True


class BodyTooSlow(RequestError):
    """The body did not arrive in time; the rest of it is not read."""

    status = 408
    kind = "invalid_request_error"
    code = "body_too_slow"
    closes_connection = True


class Outdated(RequestError):
    """What the request builds on has changed in between: read it again."""

    status = 409
    kind = "conflict_error"
    code = "conflict"


class BodyTooLarge(RequestError):
    """The body is over the limit; the rest of it is not read."""

    status = 413
    kind = "invalid_request_error"
    code = "body_too_large"
    closes_connection = True


class Overloaded(RequestError):
    """Too much is waiting already."""

    status = 429
    kind = "rate_limit_error"
    code = "overloaded"


class RateLimited(RequestError):
    """The caller has used up what it may ask for."""

    status = 429
    kind = "rate_limit_error"
    code = "rate_limit_exceeded"


class HeadersTooLarge(RequestError):
    """The headers are over the limit; the rest of them is not read."""

    status = 431
    kind = "invalid_request_error"
    code = "headers_too_large"
    closes_connection = True


class InternalError(RequestError):
    """Something broke on our side; the log has the details under the request's id."""


class NotSupported(RequestError):
    """A part of a protocol that this model or server does not have."""

    status = 501
    kind = "not_supported_error"
    code = "not_supported"


class BadGateway(RequestError):
    """The server behind this one broke off, or answered with what is no HTTP."""

    status = 502
    kind = "bad_gateway_error"
    code = "bad_gateway"


class Unavailable(RequestError):
    """Loading, draining or failed."""

    status = 503
    kind = "service_unavailable_error"
    code = "unavailable"


class DeadlineExceeded(RequestError):
    """Nobody waits for the answer any more."""

    status = 504
    kind = "timeout_error"
    code = "deadline_exceeded"
