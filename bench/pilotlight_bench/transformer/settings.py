"""Every choice that the figures of benchmark ``transformer`` depend on."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

MODEL = "bench"
EVENTS = 64
"""Of each stream at full speed."""


class Kind(StrEnum):
    """What a load asks for."""

    JSON = "json"
    SSE = "sse"
    BURSTS = "bursts"


class Plan(BaseModel):
    """How much is measured.

    Args:
        rounds: In each, every peer gets every load; who goes first changes.
        load_s: Seconds of a load that counts.
        warmup_s: Of the same load, before it.
        connections: Of wrk.
        slow_load_s: For a server that answers a few streams a second.
        slow_connections: For such a one: what is unfinished at the end is not counted.
        paced_streams: Whose latency is measured at low load.
        lanes: Connections that these come on, one stream after the other.
        paced_events: Events of such a stream.
        pace_ms: Between two events.
        open_streams: That are open at once for the figure of memory.
        start_timeout_s: No server may take longer to its first answer.
    """

    model_config = ConfigDict(frozen=True)

    rounds: int = 5
    load_s: float = 3.0
    warmup_s: float = 1.0
    connections: int = 32
    slow_load_s: float = 6.0
    slow_connections: int = 8
    paced_streams: int = 400
    lanes: int = 4
    paced_events: int = 16
    pace_ms: int = 5
    open_streams: int = 2000
    start_timeout_s: float = 90.0


FULL = Plan()
QUICK = Plan(
    rounds=1,
    load_s=1.0,
    slow_load_s=3.0,
    warmup_s=0.2,
    connections=8,
    paced_streams=20,
    open_streams=50,
)


def body(kind: Kind) -> dict[str, object]:
    """The request of a load at full speed."""
    message = {"role": "user", "content": "What does a pilot light do?"}
    request: dict[str, object] = {"model": MODEL, "messages": [message], "max_tokens": EVENTS}
    if kind is not Kind.JSON:
        request["stream"] = True
    if kind is Kind.BURSTS:
        request["user"] = "burst-16"
    return request


def paced(events: int, pace_ms: int) -> dict[str, object]:
    """The request of a stream at a fixed pace."""
    return {**body(Kind.SSE), "max_tokens": events, "seed": pace_ms}
