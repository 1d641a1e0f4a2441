"""How long a server takes to its first answer."""

import http.client
import json
import time
from dataclasses import dataclass

from pilotlight.errors import ProcessError
from pilotlight_bench.server import Server

POLL_S = 0.05
_PROMPT = "The capital of France is"


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """A server's first answer.

    Args:
        seconds: From exec to the last byte of the answer.
        text: The completion.
    """

    seconds: float
    text: str


def wait_for_answer(server: Server, model: str, timeout_s: float, tokens: int = 8) -> FirstAnswer:
    """Ask for a greedy completion until it comes, every 50 ms while nobody answers.

    Args:
        server: One that has just been started.
        model: The model's name there.
        timeout_s: Give up so many seconds after the start.
        tokens: Length of the completion.

    Raises:
        ProcessError: The server died, refused the request, or gave no answer in time.
    """
    deadline = server.started_at + timeout_s
    while time.monotonic() < deadline:
        server.check_alive()
        text = _ask(server, model, tokens, deadline - time.monotonic())
        if text is not None:
            return FirstAnswer(seconds=time.monotonic() - server.started_at, text=text)
        time.sleep(POLL_S)
    raise ProcessError(
        f"{server.launch.name} gave no answer in {timeout_s:g} s; the end of {server.log}:\n"
        f"{server.tail()}"
    )


def _ask(server: Server, model: str, tokens: int, timeout_s: float) -> str | None:
    body = {"model": model, "prompt": _PROMPT, "max_tokens": tokens, "temperature": 0}
    connection = http.client.HTTPConnection("127.0.0.1", server.launch.port, timeout=timeout_s)
    try:
        connection.request(
            "POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if response.status == http.HTTPStatus.OK:
        return str(json.loads(answer)["choices"][0]["text"])
    if response.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        return None
    raise ProcessError(
        f"{server.launch.name} answered {response.status} to the first request: {answer[:500]!r}"
    )
