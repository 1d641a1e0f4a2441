"""Requests of our own to a version: read from lines of JSON, and made greedy."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotlight.errors import UsageError

CHAT = "/v1/chat/completions"
COMPLETION = "/v1/completions"
ALTERNATIVES = 5
"""So many tokens' log-probabilities are asked for at each place."""
_SAMPLING = (
    "top_p", "top_k", "min_p", "seed", "best_of", "use_beam_search", "stream_options",
    "logprobs", "top_logprobs", "prompt_logprobs", "echo",
)  # fmt: skip


@dataclass(frozen=True)
class Prompt:
    """One request to an OpenAI-compatible server."""

    name: str
    """The line's own ``custom_id``, or ``line N``."""
    path: str
    body: Mapping[str, Any]

    @property
    def is_chat(self) -> bool:
        return self.path == CHAT


def parse(lines: str, origin: str) -> tuple[Prompt, ...]:
    """The requests of a file with one JSON request a line; empty lines do not count.

    A line is a request's body, with ``messages`` or ``prompt``, or an entry of OpenAI's batch
    files: ``custom_id``, ``url`` and ``body``.

    Args:
        lines: What the file holds.
        origin: Where it is, for the error.

    Raises:
        UsageError: A line is no such request, or there is none.
    """
    prompts = [
        _prompt(line, f"line {number}", origin)
        for number, line in enumerate(lines.splitlines(), start=1)
        if line.strip()
    ]
    if not prompts:
        raise UsageError(f"{origin} holds no request: one JSON request a line is expected")
    return tuple(prompts)


def greedy(prompt: Prompt, *, max_tokens: int, logprobs: bool) -> dict[str, Any]:
    """The body that is answered the same way each time, as far as the server can.

    Args:
        prompt: The request; how it samples and streams is left out.
        max_tokens: Limit where it sets none.
        logprobs: Ask for each token's log-probability, and for its alternatives'.
    """
    body = {key: value for key, value in prompt.body.items() if key not in _SAMPLING}
    body |= {"temperature": 0, "n": 1, "stream": False}
    if body.get("max_completion_tokens") is None and body.get("max_tokens") is None:
        body["max_tokens"] = max_tokens
    if logprobs and prompt.is_chat:
        body |= {"logprobs": True, "top_logprobs": ALTERNATIVES}
    elif logprobs:
        body["logprobs"] = ALTERNATIVES
    return body


def _prompt(line: str, name: str, origin: str) -> Prompt:
    where = f"{origin}, {name}"
    try:
        document = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{where} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{where} is no JSON object")
    body = document.get("body", document)
    if not isinstance(body, dict):
        raise UsageError(f"{where}: body is no JSON object")
    custom_id = document.get("custom_id") if "body" in document else None
    path = _path(document.get("url") if "body" in document else None, body, where)
    return Prompt(str(custom_id or name), path, body)


def _path(url: object, body: Mapping[str, Any], where: str) -> str:
    path = CHAT if isinstance(body.get("messages"), list) else COMPLETION
    if path == COMPLETION and not isinstance(body.get("prompt"), str):
        raise UsageError(f"{where} has neither messages (a list) nor prompt (a text)")
    if url is not None and str(url).removeprefix("/openai") != path:
        raise UsageError(f"{where}: its url is {url!r}, and what it holds is for {path}")
    return path
