"""One request on its way through the pipeline, and what the steps learn about it."""

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import orjson

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.pipeline.headers import Headers
from pilotlight_transformer.pipeline.route import Route
from pilotlight_transformer.pipeline.target import Target

T = TypeVar("T")

DEEPEST = 200
"""Levels of a body: orjson reads 1,024 and writes 254, and steps put bodies into others."""


class NestedTooDeeply(InvalidRequest):
    """The body can be read, and not be written again: no step may leave it to the predictor."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. Set by the step ``auth``; without it everybody is the anonymous tenant.

    Attributes:
        tenant: Whose limits, conversations, cached answers and documents these are.
        subject: The key's id or the token's subject; what a limit ``per: key`` counts by.
        scopes: What it may do, as the step ``auth`` reads them.
    """

    tenant: str = "anonymous"
    subject: str = "anonymous"
    scopes: tuple[str, ...] = ()


ANONYMOUS = Identity()


@dataclass(frozen=True, slots=True)
class Decision:
    """What a step did with a request, without any of its text; ``audit`` writes them down."""

    step: str
    what: str
    why: str = ""


@dataclass(slots=True)
class Facts:
    """What becomes known on the way; ``None`` until then. Steps and metrics read them."""

    response_id: str | None = None
    revision: str | None = None
    upstream: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str | None = None
    cache: str | None = None
    first_byte_at: float | None = None


@dataclass(slots=True, eq=False)
class Call:
    """A request, read whole, with its body parsed only if somebody looks.

    Attributes:
        route: What is asked for.
        method: GET, POST or DELETE.
        path: The canonical path, without query.
        query: The query as it came, without ``?``.
        headers: What the client sent, without hop-by-hop headers.
        body: As it came.
        arrived_at: On the clock ``monotonic``, in seconds.
        request_id: The client's ``x-request-id``, or one that was made.
        path_name: The model or conversation that the path names.
        peer: The client's address.
        over_grpc: It came over gRPC; ``body`` is the protobuf message.
        targets: Where it may go, in order of preference; empty: to the default predictor.
        enough: Set by a step in ``chunk``: the rest of the stream is not wanted.
        ended: The answer is complete, or never will be.
    """

    route: Route
    method: str
    path: str
    headers: Headers
    body: bytes = b""
    query: bytes = b""
    arrived_at: float = 0.0
    request_id: str = ""
    path_name: str | None = None
    peer: str = ""
    over_grpc: bool = False
    identity: Identity = ANONYMOUS
    targets: tuple[Target, ...] = ()
    decisions: list[Decision] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)
    enough: bool = False
    ended: bool = False
    kept: dict[object, Any] = field(default_factory=dict)
    _document: dict[str, Any] | None = None
    _changed: bool = False

    @property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object, to read. Use :meth:`edit` to change it.

        Raises:
            NestedTooDeeply: It has more than ``DEEPEST`` levels.
            InvalidRequest: It is none.
        """
        if self._document is None:
            try:
                document = orjson.loads(self.body)
            except orjson.JSONDecodeError as error:
                raise InvalidRequest(f"the body is not JSON: {error}") from None
            if not isinstance(document, dict):
                raise InvalidRequest("the body must be a JSON object")
            # Counting brackets is cheap, and few bodies have so many.
            if self.body.count(b"[") + self.body.count(b"{") > DEEPEST and _too_deep(document):
                raise NestedTooDeeply(f"the body is nested more than {DEEPEST} levels deep")
            self._document = document
        return self._document

    def edit(self) -> dict[str, Any]:
        """The body as a JSON object that may be changed; what goes on is then written anew."""
        document = self.document
        self._changed = True
        return document

    def payload(self) -> bytes:
        """The body that goes on: byte for byte what came, unless a step edited it.

        Raises:
            InvalidRequest: It is nested deeper than can be written again.
        """
        if not self._changed:
            return self.body
        try:
            return orjson.dumps(self._document)
        except orjson.JSONEncodeError:
            raise InvalidRequest("the body is nested too deeply, or holds a broken text") from None

    @property
    def model(self) -> str | None:
        """The model that is asked for: the path's, or else the body's.

        Raises:
            InvalidRequest: The body is needed for it, and is no JSON object.
        """
        if self.path_name is not None and self.route is not Route.CONVERSATIONS:
            return self.path_name
        if self.method != "POST" or self.over_grpc or not self.body:
            return None
        name = self.document.get("model")
        return name if isinstance(name, str) else None

    @property
    def stream(self) -> bool:
        """Whether the answer is to come as server-sent events."""
        if self.method != "POST" or self.over_grpc or self.route in {Route.PREDICT, Route.INFER}:
            return False
        # JSON may write the letters of a member's name as \u00XX.
        if b'"stream"' not in self.body and b"\\u00" not in self.body:
            return False
        try:
            return self.document.get("stream") is True
        except InvalidRequest:
            return False

    def decide(self, step: str, what: str, why: str = "") -> None:
        """Note a decision; ``why`` never holds text of the request."""
        self.decisions.append(Decision(step, what, why))


class Slot(Generic[T]):
    """A step's own state of a call, typed."""

    def get(self, call: Call) -> T | None:
        """What was put there, or nothing."""
        found: T | None = call.kept.get(self)
        return found

    def put(self, call: Call, value: T) -> T:
        """Keep ``value`` with the call, and return it."""
        call.kept[self] = value
        return value


def _too_deep(document: dict[str, Any]) -> bool:
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
