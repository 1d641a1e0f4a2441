"""Messages of a chat: checked, and written alike."""

import unicodedata
from typing import Any

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.validation.settings import Limits, Normalise

Message = dict[str, Any]


def check_messages(messages: object, limits: Limits, roles: list[str]) -> list[Message]:
    """The messages, if they are such.

    Raises:
        InvalidRequest: They are not; ``param`` names the place.
    """
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest("`messages` must be a list that is not empty", param="messages")
    if len(messages) > limits.max_messages:
        raise InvalidRequest(
            f"there are more than {limits.max_messages} messages: leave old ones out",
            param="messages",
        )
    for index, message in enumerate(messages):
        _check_message(message, f"messages[{index}]", limits, roles)
    return messages


def _check_message(message: object, place: str, limits: Limits, roles: list[str]) -> None:
    if not isinstance(message, dict):
        raise InvalidRequest(f"`{place}` must be an object", param=place)
    role = message.get("role")
    if not isinstance(role, str) or role not in roles:
        raise InvalidRequest(
            f"`{place}.role` must be one of {', '.join(roles)}", param=f"{place}.role"
        )
    for name in ("name", "tool_call_id", "refusal", "reasoning", "reasoning_content"):
        if not isinstance(message.get(name), str | None):
            raise InvalidRequest(f"`{place}.{name}` must be a string", param=f"{place}.{name}")
    _check_tool_calls(message, place)
    content = message.get("content")
    if isinstance(content, list):
        for index, part in enumerate(content):
            _check_part(part, f"{place}.content[{index}]", limits)
    elif content is None and role != "assistant":
        raise InvalidRequest(f"`{place}.content` is missing", param=f"{place}.content")
    elif not isinstance(content, str | None):
        raise InvalidRequest(
            f"`{place}.content` must be a string or a list of parts", param=f"{place}.content"
        )


def _check_tool_calls(message: Message, place: str) -> None:
    place = f"{place}.tool_calls"
    calls = message.get("tool_calls")
    if calls is None:
        return
    if not isinstance(calls, list) or message["role"] != "assistant":
        raise InvalidRequest(f"`{place}` must be a list, and the assistant's", param=place)
    for index, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        if not (
            isinstance(function, dict)
            and isinstance(function.get("name"), str)
            and isinstance(function.get("arguments"), str | None)
        ):
            raise InvalidRequest(
                f"`{place}[{index}].function` must hold a name and arguments as text",
                param=f"{place}[{index}].function",
            )


def _check_part(part: object, place: str, limits: Limits) -> None:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise InvalidRequest(f"`{place}` must be an object with a `type`", param=place)
    kind: str = part["type"]
    if kind in {"text", "refusal"}:
        if not isinstance(part.get(kind), str):
            raise InvalidRequest(f"`{place}.{kind}` must be a string", param=f"{place}.{kind}")
        return
    if kind not in limits.media:
        allowed = ", ".join(("text", *limits.media))
        raise InvalidRequest(
            f"`{place}.type` is not allowed here: send {allowed}", param=f"{place}.type"
        )
    if kind in {"image_url", "audio_url", "video_url"}:
        _check_url(part.get(kind), f"{place}.{kind}", limits)


def _check_url(media: object, place: str, limits: Limits) -> None:
    url = media.get("url") if isinstance(media, dict) else media
    if not isinstance(url, str):
        raise InvalidRequest(f"`{place}.url` must be a string", param=f"{place}.url")
    if not limits.remote_media and not url[:5].lower() == "data:":
        raise InvalidRequest(
            f"`{place}.url` must be a data: URL: the model fetches nothing from elsewhere",
            param=f"{place}.url",
        )


def normalised(messages: list[Message], how: Normalise) -> list[Message]:
    """The same conversation, written the one way; equal to ``messages`` if it was so before.

    No message of ``messages`` is changed: other steps may still hold it.
    """
    rewritten = [_rewritten(message, how) for message in messages]
    if how.drop_empty:
        rewritten = [message for message in rewritten if not _empty(message)]
    return _merged(rewritten) if how.merge_roles else rewritten


def _rewritten(message: Message, how: Normalise) -> Message:
    content = message.get("content")
    if how.join_parts and isinstance(content, list) and content and all(map(_plain, content)):
        content = "\n".join(part["text"] for part in content)
    if how.nfc:
        content = _nfc(content)
    return message if content == message.get("content") else {**message, "content": content}


def _plain(part: Message) -> bool:
    return part.keys() == {"type", "text"}


def _nfc(content: Any) -> Any:
    if isinstance(content, str):
        return unicodedata.normalize("NFC", content)
    if isinstance(content, list):
        return [
            {**part, "text": unicodedata.normalize("NFC", part["text"])} if "text" in part else part
            for part in content
        ]
    return content


def _empty(message: Message) -> bool:
    # An empty answer of a tool is an answer, and an assistant may only have called tools.
    return not message.get("content") and not (
        message["role"] in {"tool", "function"}
        or any(message.get(name) for name in ("tool_calls", "function_call", "refusal", "audio"))
    )


def _merged(messages: list[Message]) -> list[Message]:
    merged: list[Message] = []
    for message in messages:
        before = merged[-1] if merged else None
        if before is not None and _mergeable(before, message):
            merged[-1] = {**before, "content": f"{before['content']}\n\n{message['content']}"}
        else:
            merged.append(message)
    return merged


def _mergeable(one: Message, other: Message) -> bool:
    return (
        one["role"] == other["role"]
        and one["role"] in {"user", "system", "developer"}
        and all(m.keys() == {"role", "content"} for m in (one, other))
        and all(isinstance(m["content"], str) for m in (one, other))
    )
