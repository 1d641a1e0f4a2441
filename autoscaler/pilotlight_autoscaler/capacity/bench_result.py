"""Results of ``pilotlight bench run predictor``."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from pilotlight_autoscaler.capacity.configuration import Lengths, Point

PROMPT, OUTPUT, TTFT, LATENCY, OK = 1, 2, 3, 4, 5
"""Places in a row of ``requests``; the file names them in ``settings.request_columns``."""


class Row(BaseModel):
    """One load on one peer."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    peer: str
    concurrency: Annotated[int, Field(ge=1)] | None = None
    output_tokens_per_s: Annotated[float, Field(ge=0)]
    requests: tuple[tuple[float, ...], ...]


class BenchResult(BaseModel):
    """``bench/results/predictor.json``, as far as a plan needs it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    settings: dict[str, Any]
    rows: tuple[Row, ...]

    def points(self, peer: str = "pilotlight") -> tuple[Lengths, tuple[Point, ...]]:
        """The closed loops of a peer, rounds of one concurrency taken together.

        Raises:
            ValueError: There is none.
        """
        rows = [row for row in self.rows if row.peer == peer and row.concurrency]
        loads: dict[int, list[Row]] = {}
        for row in rows:
            loads.setdefault(row.concurrency or 0, []).append(row)
        if not loads:
            raise ValueError(f"no closed loop of {peer} in it")
        done = [each for row in rows for each in _completed(row)]
        lengths = Lengths(
            sum(each[PROMPT] for each in done) / len(done),
            sum(each[OUTPUT] for each in done) / len(done),
        )
        return lengths, tuple(_point(level, loads[level]) for level in sorted(loads))


def _point(concurrency: int, rows: list[Row]) -> Point:
    done = [each for row in rows for each in _completed(row)]
    return Point(
        concurrency=concurrency,
        output_tokens_per_s=sum(row.output_tokens_per_s for row in rows) / len(rows),
        ttft_p99_s=_p99([each[TTFT] for each in done]),
        tpot_p99_s=_p99(
            [(each[LATENCY] - each[TTFT]) / (each[OUTPUT] - 1) for each in done if each[OUTPUT] > 1]
        ),
        e2e_p99_s=_p99([each[LATENCY] for each in done]),
    )


def _completed(row: Row) -> list[tuple[float, ...]]:
    done = [each for each in row.requests if each[OK]]
    if not done:
        raise ValueError(f"no request of {row.peer} at {row.concurrency} at a time was answered")
    return done


def _p99(values: list[float]) -> float:
    """The smallest value that 99 % do not exceed: of few values the largest."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-99 * len(ordered) // 100) - 1)]
