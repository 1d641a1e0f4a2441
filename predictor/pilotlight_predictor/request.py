"""What is known of a request before anybody reads its body."""

import re
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

from pilotlight.errors import InvalidRequest, RequestError
from pilotlight.http_headers import LONGEST_DEADLINE_MS, deadline_s
from pilotlight_predictor.admission.work import Priority

DEADLINE_HEADER = "x-request-deadline-ms"
PRIORITY_HEADER = "x-priority"
REQUEST_ID_HEADER = "x-request-id"
DEFAULT_TENANT = "default"

_TOKEN = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}")


@dataclass(slots=True)
class RequestContext:
    """One request on its way through the server.

    ``failure`` is set by whoever refuses the request deep inside; the edge answers with it
    as long as nothing of the answer has been sent.
    """

    request_id: str
    tenant: str = DEFAULT_TENANT
    priority: Priority = Priority.INTERACTIVE
    deadline_s: float | None = None
    arrived_s: float = 0.0
    failure: RequestError | None = None
    on_end: list[Callable[[], None]] = field(default_factory=list)

    def fail(self, error: RequestError) -> RequestError:
        """Remember why the request is refused; return the error to raise."""
        self.failure = error
        return error

    def end(self) -> None:
        """Give back whatever the request still holds. Idempotent."""
        while self.on_end:
            self.on_end.pop()()


current_request: ContextVar[RequestContext | None] = ContextVar("current_request", default=None)


def context_from_headers(
    headers: Mapping[str, str], tenant_header: str, now_s: float
) -> RequestContext:
    """Read priority, deadline, tenant and id from lower-case headers.

    Raises:
        InvalidRequest: A header has a value that cannot be used; the message names it.
    """
    return RequestContext(
        request_id=_token(headers, REQUEST_ID_HEADER) or uuid.uuid4().hex,
        tenant=_token(headers, tenant_header) or DEFAULT_TENANT,
        priority=_priority(headers.get(PRIORITY_HEADER)),
        deadline_s=_deadline(headers.get(DEADLINE_HEADER), now_s),
        arrived_s=now_s,
    )


def _token(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name)
    if value is None or value == "":
        return None
    if not _TOKEN.fullmatch(value):
        raise InvalidRequest(
            f"header {name}: use 1 to 128 of letters, digits and ._:@/+=-", param=name
        )
    return value


def _priority(value: str | None) -> Priority:
    if value is None:
        return Priority.INTERACTIVE
    try:
        return Priority(value.strip().lower())
    except ValueError:
        names = " or ".join(Priority)
        raise InvalidRequest(
            f"header {PRIORITY_HEADER}: {value[:40]!r} is neither of {names}", param=PRIORITY_HEADER
        ) from None


def _deadline(value: str | None, now_s: float) -> float | None:
    if value is None:
        return None
    seconds = deadline_s(value)
    if seconds is None:
        raise InvalidRequest(
            f"header {DEADLINE_HEADER}: {value[:40]!r} is not a number of milliseconds "
            f"between 0 and {LONGEST_DEADLINE_MS}",
            param=DEADLINE_HEADER,
        )
    return now_s + seconds
