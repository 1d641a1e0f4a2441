"""What was measured of one server."""

from dataclasses import dataclass, field

from pilotlight_bench.quantiles import percentile
from pilotlight_bench.result import Row
from pilotlight_bench.transformer.settings import Kind
from pilotlight_bench.transformer.streams import Times
from pilotlight_bench.transformer.wrk import Outcome


@dataclass(frozen=True, slots=True)
class Loaded:
    """One load at full speed.

    Args:
        cpu_s: Processor time of the server meanwhile.
        other_cores: Cores that processes outside the measurement kept busy meanwhile.
    """

    peer: str
    kind: Kind
    round: int
    outcome: Outcome
    cpu_s: float
    other_cores: float

    @property
    def per_core(self) -> float:
        """Requests for a second of processor time.

        Where the server has its core for itself and keeps it busy, these are its requests per
        second; where something else was the narrow place, it is not held against the others.
        """
        return self.outcome.requests / self.cpu_s if self.cpu_s else float("nan")

    @property
    def busy(self) -> float:
        """The share of its core that it used."""
        return self.cpu_s / self.outcome.duration_s

    def row(self) -> Row:
        """For the result's file."""
        return {
            "what": "load",
            "peer": self.peer,
            "kind": str(self.kind),
            "round": self.round,
            "requests_per_s": round(self.outcome.requests_per_s, 1),
            "per_core": round(self.per_core, 1),
            "busy": round(self.busy, 3),
            "p50_ms": self.outcome.p50_ms,
            "p99_ms": self.outcome.p99_ms,
            "other_cores": round(self.other_cores, 3),
        }


@dataclass(frozen=True, slots=True)
class Delays:
    """Streams at a low load; the stub itself is one of the peers: what is not a server's doing.

    Attributes:
        first_ms: To the first event, of each stream.
        chunk_ms: On its way, of each event.
    """

    peer: str
    first_ms: tuple[float, ...]
    chunk_ms: tuple[float, ...]
    other_cores: float = 0.0

    @classmethod
    def of(cls, peer: str, streams: list[Times], other_cores: float) -> "Delays":
        """From the streams' times; the first event of a stream waits for the request, too."""
        first = tuple(each.first * 1e3 for each in streams)
        chunks = tuple(after * 1e3 for each in streams for after in each.underway[1:])
        return cls(peer, first, chunks, other_cores)

    def row(self) -> Row:
        """For the result's file."""
        levels = (50, 99)
        return {
            "what": "low load",
            "peer": self.peer,
            "streams": len(self.first_ms),
            "first_ms_p50_p99": [round(percentile(self.first_ms, at), 4) for at in levels],
            "chunk_ms_p50_p99": [round(percentile(self.chunk_ms, at), 4) for at in levels],
            "other_cores": round(self.other_cores, 3),
        }


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory, in bytes, of all processes of a server.

    Args:
        idle: After its first answers.
        open: With so many streams open.
    """

    peer: str
    streams: int
    idle: float
    open: float

    def row(self) -> Row:
        """For the result's file."""
        mb = {"idle_mb": round(self.idle / 1e6, 1), "open_mb": round(self.open / 1e6, 1)}
        return {"what": "memory", "peer": self.peer, "streams": self.streams, **mb}


@dataclass(slots=True)
class Findings:
    """All that was measured."""

    loads: list[Loaded] = field(default_factory=list)
    delays: list[Delays] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)

    def per_core(self, peer: str, kind: Kind) -> list[float]:
        """A peer's requests for a second of a core, by round."""
        return [each.per_core for each in self.loads if each.peer == peer and each.kind is kind]

    def rows(self) -> list[Row]:
        """For the result's file."""
        loads, delays = (each.row() for each in self.loads), (each.row() for each in self.delays)
        return [*loads, *delays, *(each.row() for each in self.memory)]
