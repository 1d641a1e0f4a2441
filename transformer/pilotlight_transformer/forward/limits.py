"""How much and how long a predictor may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """Bounds of the predictors' side, for each of them; times in seconds.

    Attributes:
        connect_s: Until a connection is open.
        first_byte_s: From the request to the answer's first byte.
        chunk_s: Between two pieces of an answer.
        idle_s: A connection without a request; less than the predictor's own, which is 65.
        connections: Open at once.
        waiting: Requests that wait for a connection.
        wait_s: How long they do.
    """

    connect_s: float = 5.0
    first_byte_s: float = 600.0
    chunk_s: float = 120.0
    idle_s: float = 30.0
    connections: int = 4096
    waiting: int = 1024
    wait_s: float = 10.0
