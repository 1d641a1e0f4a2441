"""How much and how long one client may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the server's side; times in seconds, sizes in bytes.

    Attributes:
        head_bytes: Of a request line with its headers.
        body_bytes: Of a request's body.
        held_body_bytes: Of all bodies together, from their first byte to their call's end.
        head_s: From a head's first byte to its last; for a new connection from its start.
        body_silence_s: Between two pieces of a body.
        body_s: From a body's first byte to its last.
        keep_alive_s: A connection without a request.
        send_s: A client that takes nothing of what is sent to it.
        connections: Open at once.
    """

    head_bytes: int = 64 * 2**10
    body_bytes: int = 8 * 2**20
    held_body_bytes: int = 512 * 2**20
    head_s: float = 10.0
    body_silence_s: float = 10.0
    body_s: float = 60.0
    keep_alive_s: float = 75.0
    send_s: float = 60.0
    connections: int = 10_000
