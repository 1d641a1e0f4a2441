"""Short prompts go first, long ones in bounded time."""

import random
import statistics
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight_predictor.admission.capacity import EngineObservation, Limits
from pilotlight_predictor.admission.queue import AdmissionQueue
from pilotlight_predictor.admission.work import Work
from tests.unit.predictor.admission.simulation import (
    FirstComeFirstServed,
    Policy,
    Simulation,
    work,
)

LIMITS = Limits(kv_tokens=8000, max_running=16, max_queue_tokens=10**9, max_queue_wait_s=1e9)
IDLE = EngineObservation(0.0)


def _mixed(seed: int, seconds: float, rate: float) -> list[tuple[Work, int]]:
    """One tenant's requests: one in eight has a prompt of half the KV cache."""
    rng, now, arrivals = random.Random(seed), 0.0, []
    while now < seconds:
        now += rng.expovariate(rate)
        prompt = 4000 if rng.random() < 0.125 else rng.randint(20, 300)
        output = rng.randint(1, 100)
        arrivals.append((work(prompt=prompt, output=output, at=now), output))
    return arrivals


def _waits(policy: Policy, arrivals: list[tuple[Work, int]]) -> tuple[list[float], list[float]]:
    simulation = Simulation(policy, arrivals)
    for _ in simulation.run(until_s=1000):
        if len(simulation.started_s) == len(arrivals):
            break
    short: list[float] = []
    long: list[float] = []
    for each, _ in arrivals:
        wait = simulation.started_s[each.id] - each.arrived_s
        (long if each.prompt_tokens == 4000 else short).append(wait)
    return short, long


def test_short_prompts_are_not_held_up_by_long_ones() -> None:
    arrivals = _mixed(seed=3, seconds=200, rate=4.5)
    queue = AdmissionQueue(LIMITS)
    queue.seed_rate(2500)
    short, long = _waits(queue, arrivals)
    fcfs_short, fcfs_long = _waits(FirstComeFirstServed(LIMITS), arrivals)
    assert statistics.median(fcfs_short) > 1
    assert statistics.median(short) < 0.25 * statistics.median(fcfs_short)
    assert max(long) < 2 * max(fcfs_long)


def test_nobody_starves_while_short_prompts_keep_coming() -> None:
    """A load of one: whatever arrived in the first half has started by the end."""
    arrivals = _mixed(seed=4, seconds=300, rate=5)
    simulation = Simulation(AdmissionQueue(LIMITS), arrivals)
    for _ in simulation.run(until_s=300):
        pass
    early = [each.id for each, _ in arrivals if each.arrived_s < 150]
    assert set(early) <= simulation.started_s.keys()


@given(later_s=st.floats(0.0, 30.0), rate=st.floats(10, 10_000))
def test_a_request_is_overtaken_only_by_those_of_its_tenant_that_come_soon(
    later_s: float, rate: float
) -> None:
    """The bound is ten times its own service time, and ``max_overtaken_s`` at most."""
    queue = AdmissionQueue(replace(LIMITS, max_running=1))
    queue.seed_rate(rate)
    first = work(prompt=1, output=1)
    queue.offer(first, 0.0)
    queue.dispatch(IDLE, 0.0)
    long, short = work(prompt=990, output=5), work(prompt=40, output=5, at=later_s)
    for each in (long, short):
        queue.offer(each, 0.0)
    queue.finish(first.id, 0.0)
    yields_s = min(10.0, 10 * 1000 / rate) - min(10.0, 10 * 50 / rate)
    if abs(later_s - yields_s) > 1e-6:
        assert queue.dispatch(IDLE, 0.0) == [short if later_s < yields_s else long]


@pytest.mark.parametrize("owner", ["same tenant", "another tenant"])
def test_short_prompts_pass_a_long_one_that_does_not_fit_yet(owner: str) -> None:
    queue, long = _stuck_behind(6000)
    shorts = [work(owner, prompt=90, output=10) for _ in range(3)]
    for each in shorts:
        queue.offer(each, 0.0)
    assert queue.dispatch(IDLE, 0.0) == shorts
    assert long not in shorts


@given(bypass=st.floats(0.1, 3), tenants=st.integers(1, 4), seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_a_long_prompt_is_passed_by_a_bounded_amount_and_then_served(
    bypass: float, tenants: int, seed: int
) -> None:
    queue, long = _stuck_behind(6000, bypass)
    rng, passed = random.Random(seed), 0
    running: list[Work] = []
    for index in range(300):
        name = ("same tenant", "b", "c", "d")[index % tenants]
        queue.offer(work(name, prompt=rng.randint(1, 500), output=1, at=20.0), 20.0)
        started = queue.dispatch(IDLE, 20.0)
        assert long not in started
        passed += sum(each.prompt_tokens + 1 for each in started)
        running += started
        while len(running) > 4:
            queue.finish(running.pop(0).id, 20.0)
    assert bypass * 6001 - 501 <= passed <= bypass * 6001
    for each in running:
        queue.finish(each.id, 21.0)
    queue.finish(0, 21.0)
    assert queue.dispatch(IDLE, 21.0)[0] == long


def _stuck_behind(prompt: int, bypass: float = 2.0) -> tuple[AdmissionQueue, Work]:
    """A queue whose first request needs ``prompt`` + 1 tokens while half the cache is taken.

    The work that takes it has the id 0.
    """
    limits = Limits(
        kv_tokens=10_000,
        max_running=1000,
        max_queue_tokens=10**9,
        max_queue_wait_s=1e9,
        max_bypass=bypass,
    )
    queue = AdmissionQueue(limits)
    blocker = Work(0, "blocker", work().priority, 5000, 1, 1, 0.0)
    queue.offer(blocker, 0.0)
    assert queue.dispatch(IDLE, 0.0) == [blocker]
    long = work("same tenant", prompt=prompt, output=1)
    queue.offer(long, 0.0)
    assert queue.dispatch(IDLE, 0.0) == []
    return queue, long
