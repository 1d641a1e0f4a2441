"""Requests drawn from windows."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.traffic import interarrival
from pilotlight_autoscaler.traffic.arrivals import Batches, Edges, arrivals, batches, rounded
from pilotlight_autoscaler.traffic.servegen import WINDOW_S, Client


def client(
    starts: list[float], requests: float, shape: float, scale: float, gamma: bool = True
) -> Client:
    same = np.ones(len(starts))
    return Client(
        "a",
        np.array(starts),
        same * requests / WINDOW_S,
        same,
        same.astype(np.bool_) if gamma else ~same.astype(np.bool_),
        same * shape,
        same * scale,
    )


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def windows_of(times: Floats) -> set[float]:
    return set((times // WINDOW_S * WINDOW_S).tolist())


@settings(max_examples=60, deadline=None)
@given(
    requests=st.integers(1, 3000),
    shape=st.floats(0.005, 400),
    scale=st.floats(1e-4, 10),
    gamma=st.booleans(),
    edges=st.sampled_from(Edges),
    seed=st.integers(0, 2**32),
)
def test_every_window_keeps_its_requests_in_order(
    requests: int, shape: float, scale: float, gamma: bool, edges: Edges, seed: int
) -> None:
    starts = [0.0, 600.0, 3000.0]
    drawn = client(starts, requests, shape, scale, gamma)
    single = arrivals(drawn, random(seed), edges)
    assert len(single) == 3 * requests
    assert (np.diff(single) >= 0).all()
    assert windows_of(single) == set(starts)
    many = batches(drawn, random(seed), edges)
    assert (np.diff(many.time_s) >= 0).all()
    assert windows_of(many.time_s) == set(starts)
    inside = many.time_s < WINDOW_S
    assert many.requests[inside].sum() == pytest.approx(requests)


def test_activity_lasts_as_long_as_its_fit_says_and_lies_anywhere() -> None:
    begins = []
    for seed in range(400):
        times = arrivals(client([0.0], 101, 0.5, 2.0), random(seed), Edges.FITTED)
        assert times[-1] - times[0] == pytest.approx(100 * 0.5 * 2.0)
        begins.append(times[0])
    # Uniform over the room of 500 s that 100 s leave: 4 standard errors.
    assert np.mean(begins) == pytest.approx(250, abs=4 * 500 / math.sqrt(12 * 400))
    assert min(begins) < 25 < 475 < max(begins)


def test_a_weibull_fit_bounds_the_span_at_the_edge_of_a_run() -> None:
    weibull = client([0.0], 101, 1.0, 2.0, gamma=False)
    spans = [np.ptp(arrivals(weibull, random(s), Edges.FITTED)) for s in range(200)]
    assert max(spans) <= 200.0
    assert np.mean(spans) == pytest.approx(100, abs=4 * 200 / math.sqrt(12 * 200))


def test_uniform_edges_go_on_between_windows_and_end_anywhere() -> None:
    starts = [0.0, 600.0, 1200.0]
    drawn = [arrivals(client(starts, 50, 1.0, 0.001), random(s), Edges.UNIFORM) for s in range(300)]
    middle = [times[(times >= 600) & (times < 1200)] for times in drawn]
    assert all(times[0] == 600.0 and times[-1] > 1199.9 for times in middle)
    error = 4 * 600 / math.sqrt(12 * 300)
    assert np.mean([times[0] for times in drawn]) == pytest.approx(300, abs=error)
    assert np.mean([times[-1] for times in drawn]) == pytest.approx(1500, abs=error)


@pytest.mark.parametrize("gamma", [True, False])
def test_batches_hold_the_same_pauses_as_single_requests(gamma: bool) -> None:
    """Heavy tails: many requests, and pauses over a minute among them."""
    waits = {"shape": 0.01, "scale": 30.0} if gamma else {"shape": 0.16, "scale": 4e-4}
    drawn = client([0.0, 600.0], 1500, gamma=gamma, **waits)
    single, batched = [], []
    for seed in range(150):
        single.append((np.diff(arrivals(drawn, random(seed))) > 60).sum())
        batched.append((np.diff(batches(drawn, random(seed + 1000)).time_s) > 60).sum())
    error = math.hypot(np.std(single), np.std(batched)) / math.sqrt(150)
    assert np.mean(single) > 0.5
    assert np.mean(batched) == pytest.approx(np.mean(single), abs=4 * error + 0.05)


def test_a_busy_window_that_is_not_drawn_leaves_no_pause() -> None:
    busy = client([600.0 * i for i in range(50)], 60_000, 1.0, 0.01)
    found = batches(busy, random())
    assert len(found.time_s) < 50 * 100
    assert np.diff(found.time_s).max() < 60
    assert found.requests.sum() == pytest.approx(50 * 60_000)


@given(st.lists(st.floats(0, 500), max_size=40), st.floats(1, 60))
def test_rounding_moves_requests_back_by_less_than_a_step(times: list[float], step: float) -> None:
    exact = Batches(np.sort(np.array(times, dtype=np.float64)), np.ones(len(times)))
    found = rounded(exact, step)
    assert found.requests.sum() == len(times)
    assert (np.diff(found.time_s) > 0).all()
    moved = exact.time_s - np.repeat(found.time_s, found.requests.astype(int))
    assert ((moved >= -1e-9) & (moved < step + 1e-9)).all()


@pytest.mark.parametrize("gamma", [True, False])
def test_the_bound_of_a_pause_is_one(gamma: bool) -> None:
    for shape, scale in ((0.4, 20.0), (0.5, 20.0), (2.0, 5.0), (0.4, 2.0)):
        drawn = client([0.0], 100, shape, scale, gamma)
        law = random().gamma if gamma else lambda a, s, n: s * random().weibull(a, n)
        waits = law(shape, scale, 100_000)
        seen = (waits > 60).mean()
        error = 4 * math.sqrt(max(seen, 1e-4) / 100_000)
        assert interarrival.tails(drawn, 60.0)[0] >= seen - error
        assert interarrival.means(drawn)[0] == pytest.approx(waits.mean(), rel=0.1)
