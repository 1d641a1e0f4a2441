"""Measured replicas for tests, drawn by hypothesis or written down."""

from hypothesis import strategies as st

from pilotlight_autoscaler.capacity.configuration import Configuration, Lengths, Point

LENGTHS = Lengths(500, 200)


def replica(*points: Point, **changes: object) -> Configuration:
    """A replica on one GPU that was measured with 500 tokens in and 200 out."""
    fields: dict[str, object] = {
        "name": "one",
        "gpu": "GPU",
        "gpus": 1,
        "tensor_parallel": 1,
        "lengths": LENGTHS,
        "points": points or STEADY,
    }
    return Configuration(**(fields | changes))  # type: ignore[arg-type]


STEADY = (
    Point(1, 200.0, 0.05, 0.005, 1.1),
    Point(16, 2400.0, 0.20, 0.0066, 1.6),
    Point(64, 6400.0, 0.80, 0.0100, 2.8),
    Point(128, 8000.0, 2.40, 0.0160, 5.6),
)


@st.composite
def sweeps(draw: st.DrawFn) -> tuple[Point, ...]:
    """Points of rising concurrency; throughput obeys Little's law, times scatter."""
    steps = draw(st.lists(st.integers(1, 64), min_size=1, max_size=7))
    points, concurrency = [], 0
    for step in steps:
        concurrency += step
        mean_s = draw(st.floats(0.2, 20.0))
        points.append(
            Point(
                concurrency=concurrency,
                output_tokens_per_s=concurrency / mean_s * LENGTHS.output,
                ttft_p99_s=draw(st.floats(0.01, 5.0)),
                tpot_p99_s=draw(st.floats(0.001, 0.1)),
                e2e_p99_s=draw(st.none() | st.floats(0.2, 40.0)),
            )
        )
    return tuple(points)
