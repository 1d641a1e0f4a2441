"""What a request asks for, by method and path; and the one spelling of the path that goes on."""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote_to_bytes

from pilotlight.errors import InvalidRequest, MethodNotAllowed, RouteNotFound

MODEL = r"[A-Za-z0-9._@:-]+(?:/[A-Za-z0-9._@:-]+)*"
"""A model's name in a path, as Hugging Face writes them; adapters and versions too."""

_PLAIN = re.compile(rb"[A-Za-z0-9._~:@/-]*")


class Route(StrEnum):
    """The routes; scopes of keys and tokens use these names."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    MODELS = "models"
    RESPONSES = "responses"
    MESSAGES = "messages"
    TOKENIZE = "tokenize"
    PREDICT = "predict"
    INFER = "infer"
    METADATA = "metadata"
    FEEDBACK = "feedback"
    CONVERSATIONS = "conversations"


GENERATES = frozenset(
    {
        Route.CHAT,
        Route.COMPLETIONS,
        Route.RESPONSES,
        Route.MESSAGES,
        Route.PREDICT,
        Route.INFER,
    }
)
"""Routes on which the model writes."""


@dataclass(frozen=True, slots=True)
class Match:
    """A recognised target.

    Attributes:
        route: What is asked for.
        path: The path that goes on, without query.
        name: The model (or the conversation) that the path itself names.
    """

    route: Route
    path: str
    name: str | None = None


_FIXED: dict[str, tuple[Route, str]] = {
    "/v1/chat/completions": (Route.CHAT, "POST"),
    "/v1/completions": (Route.COMPLETIONS, "POST"),
    "/v1/embeddings": (Route.EMBEDDINGS, "POST"),
    "/v1/responses": (Route.RESPONSES, "POST"),
    "/v1/messages": (Route.MESSAGES, "POST"),
    "/v1/models": (Route.MODELS, "GET"),
    "/tokenize": (Route.TOKENIZE, "POST"),
    "/detokenize": (Route.TOKENIZE, "POST"),
    "/v1/feedback": (Route.FEEDBACK, "POST"),
    "/v2": (Route.METADATA, "GET"),
    "/v2/models": (Route.METADATA, "GET"),
}
_NAMED: tuple[tuple[re.Pattern[str], Route, tuple[str, ...]], ...] = (
    (re.compile(rf"/v1/models/({MODEL}):predict"), Route.PREDICT, ("POST",)),
    (re.compile(rf"/v2/models/({MODEL})/infer"), Route.INFER, ("POST",)),
    (re.compile(rf"/v2/models/({MODEL})/ready"), Route.METADATA, ("GET",)),
    (re.compile(rf"/v2/models/({MODEL})"), Route.METADATA, ("GET",)),
    (re.compile(rf"/v1/models/({MODEL})"), Route.MODELS, ("GET",)),
    (
        re.compile(r"/v1/conversations/([A-Za-z0-9._-]{1,128})"),
        Route.CONVERSATIONS,
        ("GET", "DELETE"),
    ),
)


def match(method: str, target: bytes) -> Match:
    """Recognise a request's target, its query cut off.

    One spelling only reaches the steps and the predictor: what is percent-encoded without need
    is decoded first, and a path with ``.`` or ``..`` segments, empty segments or any other
    character is refused, so that no two servers on the way can read it differently.

    Raises:
        InvalidRequest: The path is not written plainly.
        RouteNotFound: It is none of the routes.
        MethodNotAllowed: It is one, with another method.
    """
    decoded = unquote_to_bytes(target) if b"%" in target else target
    if _PLAIN.fullmatch(decoded) is None or not decoded.startswith(b"/"):
        raise InvalidRequest("the path holds characters that no route here has: write it plainly")
    path = decoded.decode("ascii")
    segments = path.split("/")[1:]
    if any(segment in {"", ".", ".."} for segment in segments):
        raise InvalidRequest("the path has empty, '.' or '..' segments: write it without them")
    path = path.removeprefix("/openai") if path.startswith("/openai/v1/") else path
    fixed = _FIXED.get(path)
    if fixed is not None:
        route, allowed = fixed
        if method != allowed:
            raise MethodNotAllowed(f"{path} takes {allowed}")
        return Match(route, path)
    for pattern, route, methods in _NAMED:
        if found := pattern.fullmatch(path):
            if method not in methods:
                raise MethodNotAllowed(f"{path} takes {' and '.join(methods)}")
            return Match(route, path, found[1])
    raise RouteNotFound("no such route here: docs/transformer.md lists them")
