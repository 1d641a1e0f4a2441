"""One request, read whole."""

from dataclasses import dataclass
from typing import Protocol

from pilotlight_transformer.http.head import Head
from pilotlight_transformer.http.reply import Reply


@dataclass(slots=True)
class Request:
    """Head and body of a request."""

    head: Head
    body: bytes


class Handler(Protocol):
    """Answers requests."""

    def handle(self, request: Request, reply: Reply) -> None:
        """Begin to answer; raises nothing.

        Whoever answers later says ``reply.let_go()`` when the body is needed no longer.
        """
        ...
