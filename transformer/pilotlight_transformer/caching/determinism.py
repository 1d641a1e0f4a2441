"""Which requests get the same answer every time, by what they say."""

from collections.abc import Mapping
from typing import Any

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.route import Route

CACHED = frozenset({Route.CHAT, Route.COMPLETIONS, Route.EMBEDDINGS})
"""Routes whose answers may be kept. All others always go to the model."""

_CALLS_OUT = ("web_search_options", "kv_transfer_params")
_MEDIA = ("image_url", "video_url", "audio_url", "file_url")
_MEDIA_DEPTH = 8


def bypass_reason(call: Call) -> str | None:
    """Why the answer to ``call`` must come from the model; ``None`` if it may be kept.

    A chat or completion is deterministic when it says ``temperature: 0`` or an integer ``seed``,
    wants one choice, and lets nobody but the model and the client take part. An embedding always
    is.
    """
    if call.route not in CACHED or call.method != "POST" or call.over_grpc:
        return "route"
    try:
        document = call.document
    except InvalidRequest:
        return "body"
    if not isinstance(document.get("stream"), bool | None):
        return "body"
    if call.route is Route.EMBEDDINGS:
        return None
    if not (_is_zero(document.get("temperature")) or _is_integer(document.get("seed"))):
        return "not deterministic"
    if any(document.get(name) not in (None, 1) for name in ("n", "best_of")):
        return "several choices"
    if any(document.get(name) is not None for name in _CALLS_OUT) or _foreign_tools(document):
        return "tools"
    if _fetches(document.get("messages")):
        return "remote media"
    return None


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_zero(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0


def _foreign_tools(document: Mapping[str, Any]) -> bool:
    """Whether a tool may run at the model's side; functions are the client's to run."""
    tools = document.get("tools")
    if tools is None:
        return False
    if not isinstance(tools, list):
        return True
    return any(not isinstance(tool, dict) or tool.get("type") != "function" for tool in tools)


def _fetches(value: object, depth: int = 0) -> bool:
    """Whether a message names media by an address, whose content may change."""
    if depth > _MEDIA_DEPTH:
        return True
    if isinstance(value, list):
        return any(_fetches(inner, depth + 1) for inner in value)
    if not isinstance(value, dict):
        return False
    for name in _MEDIA:
        media = value.get(name)
        url = media.get("url") if isinstance(media, dict) else media
        if media is not None and not (isinstance(url, str) and url.startswith("data:")):
            return True
    return any(
        _fetches(inner, depth + 1) for inner in value.values() if isinstance(inner, list | dict)
    )
