"""How long a streamed answer takes to its first token."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass

import httpx

from pilotlight.errors import OperationError
from pilotlight_bench.coldstart.settings import ClusterInputs


@dataclass(frozen=True, slots=True)
class FirstToken:
    """A streamed answer.

    Args:
        asked: When the request was sent, on the monotonic clock.
        seconds: From then to the first token.
        text: The whole answer.
    """

    asked: float
    seconds: float
    text: str


def ask(client: httpx.Client, inputs: ClusterInputs) -> FirstToken:
    """Stream one greedy completion; sent once, whatever becomes of it.

    Raises:
        OperationError: It was refused, or broke off.
    """
    body = {
        "model": inputs.model,
        "prompt": inputs.prompt,
        "max_tokens": inputs.tokens,
        "temperature": 0,
        "stream": True,
    }
    asked = time.monotonic()
    try:
        with client.stream("POST", "/v1/completions", json=body) as answer:
            if answer.status_code != httpx.codes.OK:
                told = answer.read().decode(errors="replace")[:500]
                raise OperationError(f"the first request got {answer.status_code}: {told}")
            return _read(answer.iter_lines(), asked)
    except httpx.TransportError as error:
        raise OperationError(f"the first request was not answered: {error!r}") from error


def _read(lines: Iterable[str], asked: float) -> FirstToken:
    seconds, text = None, ""
    for line in lines:
        if line == "data: [DONE]":
            if seconds is None:
                raise OperationError("the stream ended without a token")
            return FirstToken(asked, seconds, text)
        if line.startswith("data: "):
            piece = _text(line.removeprefix("data: "))
            if piece and seconds is None:
                seconds = time.monotonic() - asked
            text += piece
    raise OperationError(f"the stream broke off after {text!r}")


def _text(event: str) -> str:
    choices = json.loads(event).get("choices")
    if choices is None:
        raise OperationError(f"the stream has an error in it: {event[:500]}")
    return "".join(choice["text"] for choice in choices)
