"""The quick simulator does what a plain one does, second by second: same decisions, same waits."""

from dataclasses import dataclass

import numpy as np
import pytest

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.kpa.settings import KpaSettings
from pilotlight_autoscaler.simulation.policy import Seen, Wish
from pilotlight_autoscaler.simulation.run import simulate
from pilotlight_autoscaler.simulation.service import Phases, ServiceModel
from tests.unit.autoscaler.simulation.plain_simulation import PlainSimulation

Steps = tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Given:
    """Floors at given times."""

    steps: Steps

    def look(self, now_s: float, seen: Seen) -> Wish:
        del seen
        floor = next((floor for time, floor in reversed(self.steps) if time <= now_s), 0)
        return Wish(floor, min((time for time, _ in self.steps if time > now_s), default=np.inf))


def some_requests(rng: np.random.Generator) -> tuple[Floats, Floats]:
    parts, time = [], 1000 + 10 * rng.random()
    for _ in range(rng.integers(1, 5)):
        rate = 10 ** rng.uniform(-1.5, 1.3)
        parts.append(time + np.cumsum(rng.exponential(1 / rate, rng.integers(1, 80))))
        time = parts[-1][-1] + 10 ** rng.uniform(0, 3)
    arrivals = np.concatenate(parts)
    return arrivals, rng.exponential(10 ** rng.uniform(-1, 1.5), len(arrivals)) + 0.01


def a_service(rng: np.random.Generator) -> ServiceModel:
    """Phases are exact in binary, so that both simulations round alike."""
    report, scrape = rng.integers(0, 64, 2) / 64 + 1 / 128
    phases = Phases(float(report), float(scrape), int(rng.integers(0, 128)) / 64)
    starts = tuple(rng.uniform(3, 60, 3).tolist())
    return ServiceModel(starts, int(rng.choice([0, 0, 1, 5])), phases=phases)


def some_settings(rng: np.random.Generator, limit: int) -> KpaSettings:
    return KpaSettings(
        container_concurrency=limit,
        target=float(rng.choice([1.0, 3.0, 100.0])),
        scale_down_delay_s=float(rng.choice([0, 0, 30, 120])),
        scale_to_zero_pod_retention_period_s=float(rng.choice([0, 0, 60, 300])),
        target_burst_capacity=float(rng.choice([211, 211, -1, 5])),
        activation_scale=int(rng.choice([0, 0, 3])),
        max_scale=int(rng.choice([0, 0, 2, 4])),
        stable_window_s=float(rng.choice([60, 60, 30, 6])),
        enable_scale_to_zero=bool(rng.random() < 0.9),
    )


def some_floors(rng: np.random.Generator, end_s: float) -> Steps:
    times = sorted(rng.uniform(1000, end_s, rng.integers(0, 4)).tolist())
    return tuple((time, int(rng.integers(0, 3))) for time in times)


@pytest.mark.parametrize("seed", range(40))
def test_decisions_and_waits_are_those_of_the_plain_simulation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    arrivals, durations = some_requests(rng)
    service = a_service(rng)
    settings = some_settings(rng, service.container_concurrency)
    end_s = float(arrivals[-1]) + 900
    floors = some_floors(rng, end_s)
    plain = PlainSimulation(arrivals, durations, service, settings, floors)
    plain.run(990.0, end_s)

    outcome = simulate(arrivals, durations, service, settings, Given(floors), 990.0, end_s)

    decided = zip(outcome.desired.times.tolist(), outcome.desired.counts.tolist(), strict=True)
    assert changes(list(decided)[1:]) == changes(plain.desired)
    at_last = dict(plain.pods)  # some become ready together
    ready = outcome.replicas.ready.at(np.array(list(at_last)) + 1e-6)
    assert ready.tolist() == list(at_last.values())
    assert outcome.waits_s.tolist() == pytest.approx(in_order(plain.waits))
    assert outcome.queued_s.tolist() == pytest.approx(in_order(plain.queued))


def in_order(waits: dict[int, float]) -> list[float]:
    return [waits[index] for index in sorted(waits)]


def changes(decisions: list[tuple[float, int]]) -> list[tuple[float, int]]:
    before, found = 0, []
    for time, desired in decisions:
        if desired != before:
            found.append((round(time, 6), desired))
        before = desired
    return found
