"""The plan as a whole."""

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.api.warmpool import WarmPool
from pilotlight.errors import OperationError
from pilotlight_autoscaler.capacity.configuration import Point
from pilotlight_autoscaler.capacity.knative import manifests
from pilotlight_autoscaler.capacity.plan import (
    Plan,
    Question,
    Rejected,
    mean_price_per_hour,
    plan,
    plans,
)
from pilotlight_autoscaler.capacity.staffing import Queues, Reserve
from pilotlight_autoscaler.capacity.traffic import Limits, Sizes, Traffic
from tests.unit.autoscaler.capacity.curves import LENGTHS, STEADY, replica, sweeps

TWO_SECONDS = Limits(ttft_s=2.0)
reserves = st.builds(
    Reserve,
    waiting=st.floats(0.001, 0.2),
    spare=st.integers(0, 3),
    rollout_surge=st.floats(0, 1),
    queues=st.sampled_from(Queues),
    activators=st.integers(1, 8),
)


def asked(**changes: object) -> Question:
    """Ten requests a second, the first token within two seconds."""
    fields: dict[str, object] = {"sizes": Sizes(LENGTHS), "requests_per_s": 10.0}
    traffic = Traffic(**(fields | changes))  # type: ignore[arg-type]
    return Question(traffic, TWO_SECONDS, Reserve())


def made(question: Question, **changes: object) -> Plan:
    found = plan(replica(**changes), question)
    assert isinstance(found, Plan)
    return found


@given(sweeps(), st.floats(0.1, 400), reserves)
def test_slots_cover_the_load_and_reserves_come_on_top(
    points: tuple[Point, ...], rate: float, reserve: Reserve
) -> None:
    question = replace(asked(requests_per_s=rate), reserve=reserve)
    found = plan(replica(*points), question)
    if isinstance(found, Rejected):
        assert points[0].ttft_p99_s > 2.0
        return
    staff = found.staff
    assert staff.for_load * found.point.slots >= found.load.in_flight * (1 - 1e-9)
    assert (staff.for_load - 1) * found.point.slots < max(found.load.in_flight, 1e-9)
    assert staff.for_load <= staff.for_variability == staff.total - reserve.spare
    assert staff.waiting <= reserve.waiting
    assert staff.total <= staff.rollout <= 2 * staff.total


@given(st.floats(0.1, 300), st.floats(1.0, 4.0), st.sampled_from(Queues))
def test_more_traffic_never_needs_less(rate: float, more: float, queues: Queues) -> None:
    reserve = Reserve(queues=queues)
    some = made(replace(asked(requests_per_s=rate), reserve=reserve))
    much = made(replace(asked(requests_per_s=rate * more), reserve=reserve))
    assert much.staff.total >= some.staff.total


@given(st.floats(0.1, 300))
def test_one_queue_never_needs_more_than_one_at_each_replica(rate: float) -> None:
    one = Reserve(queues=Queues.POOLED, activators=1)
    pooled = made(replace(asked(requests_per_s=rate), reserve=one))
    each = made(replace(asked(requests_per_s=rate), reserve=Reserve(queues=Queues.EACH)))
    assert pooled.staff.total <= each.staff.total


def test_more_activators_than_counted_on_are_said() -> None:
    reserve = Reserve(queues=Queues.POOLED, activators=2)
    found = made(replace(asked(requests_per_s=200.0), reserve=reserve))
    assert found.knative.burst_capacity == -1
    assert found.knative.activators == ceil(found.staff.total * found.point.slots / 100)
    assert f"up to {found.knative.activators} activators" in found.notes[-1]


@given(st.floats(0.5, 500), reserves)
def test_knative_wants_at_least_the_planned_replicas_at_the_peak(
    rate: float, reserve: Reserve
) -> None:
    found = made(replace(asked(requests_per_s=rate), reserve=reserve))
    target = found.knative
    wanted = ceil(found.load.in_flight / (target.target * target.utilisation_percent / 100) - 1e-9)
    assert min(wanted, target.max_replicas) == found.staff.total or target.utilisation_percent == 1


@given(st.integers(1, 3000), st.floats(0, 120))
def test_thinking_never_needs_more(users: int, think_s: float) -> None:
    busy = made(asked(users=float(users), requests_per_s=None))
    calm = made(asked(users=float(users), requests_per_s=None, think_s=think_s))
    assert calm.staff.total <= busy.staff.total
    assert busy.staff.for_variability * busy.point.slots >= users


def test_a_ramp_takes_what_grows_during_a_start() -> None:
    # 20 minutes from half of the peak to the peak; a start, half a window and a tick: 122 s.
    found = made(asked(requests_per_s=100.0, peak_to_mean=2.0, ramp_s=1200.0), start_s=90.0)
    assert found.staff.horizon_s == 122.0
    growth = found.staff.total * 0.5 / 1200
    assert found.staff.warm_ahead == ceil(growth * 122)
    assert found.staff.floor == ceil(found.staff.total / 2) + found.staff.warm_ahead


def test_a_ramp_without_a_start_time_is_said() -> None:
    found = made(asked(ramp_s=600.0))
    assert found.staff.warm_ahead is None
    assert "the start time is not known" in found.notes[-1]


def test_a_wait_of_more_than_one_in_a_hundred_is_said() -> None:
    reserve = Reserve(waiting=0.3, spare=0)
    found = made(replace(asked(requests_per_s=300.0), reserve=reserve))
    assert 0.01 < found.staff.waiting <= 0.3
    assert "wait for a slot, 1 % for over" in found.notes[-1]


def test_the_bill_is_that_of_the_mean_and_not_of_the_peak() -> None:
    question = asked(requests_per_s=100.0, peak_to_mean=4.0)
    found = made(question, price_per_gpu_hour=2.0)
    assert found.price_per_hour == 2.0 * found.staff.total
    assert mean_price_per_hour(found, question.traffic) == 2.0 * ceil(found.staff.total / 4)


def test_the_cache_bounds_the_slots() -> None:
    found = made(asked(), kv_cache_tokens=700.0 * 40)
    assert (found.point.slots, found.point.bound) == (40, "KV cache")


def test_a_batch_bounds_the_slots() -> None:
    found = made(asked(), max_num_seqs=32, kv_cache_tokens=1e9)
    assert (found.point.slots, found.point.bound) == (32, "--max-num-seqs")


def test_the_cheapest_configuration_comes_first() -> None:
    # Two GPUs that share each layer answer sooner, but not twice as many.
    shared = tuple(
        replace(point, output_tokens_per_s=point.output_tokens_per_s * 1.6) for point in STEADY
    )
    one = replica(name="tp1", price_per_gpu_hour=3.0)
    two = replica(*shared, name="tp2", gpus=2, tensor_parallel=2, price_per_gpu_hour=3.0)
    found, _ = plans([two, one], asked(requests_per_s=500.0))
    assert [each.configuration.name for each in found] == ["tp1", "tp2"]
    assert found[0].price_per_hour == 3.0 * found[0].gpus


def test_more_gpus_a_replica_win_where_one_cannot_keep_the_limit() -> None:
    one = replica(Point(1, 100.0, 3.0, 0.01), name="tp1")
    two = replica(name="tp2", gpus=2, tensor_parallel=2)
    found, rejected = plans([one, two], asked())
    assert [each.configuration.name for each in found] == ["tp2"]
    assert "no measured point meets TTFT 2 s: the closest is 1 at a time" in rejected[0].why


def test_no_configuration_is_an_error_that_says_the_closest() -> None:
    question = replace(asked(), limits=Limits(ttft_s=0.01))
    with pytest.raises(
        OperationError, match=r"no measured point meets TTFT 0\.01 s: the closest is 1"
    ):
        plans([replica()], question)


def test_speeds_alone_make_no_plan_but_a_comparison() -> None:
    blank = replica(prefill_tokens_per_s=10_000.0, decode_tokens_per_s=5_000.0, gpus=2)
    found = plan(replace(blank, points=()), asked())
    assert isinstance(found, Rejected)
    assert found.gpu_seconds_per_request == pytest.approx(2 * (500 / 10_000 + 200 / 5_000))


@given(st.floats(10, 300), st.floats(20_000, 200_000))
def test_prefill_and_decode_together_do_the_same_work(rate: float, speed: float) -> None:
    found = made(asked(requests_per_s=rate), prefill_tokens_per_s=speed)
    assert found.split is not None
    whole = 1 / found.point.level.requests_per_s
    assert found.split.prefill_s + found.split.decode_s == pytest.approx(whole)
    assert found.split.prefill * found.split.utilisation >= rate * found.split.prefill_s - 1e-9
    assert found.split.decode >= rate * found.split.decode_s - 1e-9


def test_the_warm_pool_that_is_printed_is_a_valid_one() -> None:
    service, pool = manifests(made(asked(requests_per_s=200.0)).knative, "chat")
    spec = WarmPool.model_validate(pool).spec
    assert spec.target_ref.name == "chat"
    predictor = service["spec"]["predictor"]  # type: ignore[index]
    assert predictor["maxReplicas"] == spec.max_replicas
    assert predictor["scaleTarget"] == predictor["containerConcurrency"]


def test_a_limit_above_knatives_is_left_out() -> None:
    huge = (Point(1, 200.0, 0.1, 0.005), Point(4000, 400_000.0, 1.0, 0.01))
    found = plan(replica(*huge), asked())
    assert isinstance(found, Plan)
    assert (found.knative.target, found.knative.container_concurrency) == (4000, 0)
