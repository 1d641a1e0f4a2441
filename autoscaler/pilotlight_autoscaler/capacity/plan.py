"""The plan: from what was measured and what is asked to replicas and their price."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from pilotlight.errors import OperationError
from pilotlight_autoscaler.capacity.configuration import Configuration
from pilotlight_autoscaler.capacity.knative import KnativeTarget, knative_target
from pilotlight_autoscaler.capacity.level import Level, levels
from pilotlight_autoscaler.capacity.operating_point import OperatingPoint, closest, largest
from pilotlight_autoscaler.capacity.queueing import waiting_p99_s
from pilotlight_autoscaler.capacity.split import Split, split
from pilotlight_autoscaler.capacity.staffing import Queues, Reserve, Staff, queue_count, staff
from pilotlight_autoscaler.capacity.traffic import Limits, Load, Traffic

HOURS_A_MONTH = 730.0


@dataclass(frozen=True)
class Question:
    """What is planned for."""

    traffic: Traffic
    limits: Limits
    reserve: Reserve


@dataclass(frozen=True)
class Plan:
    """Replicas of one configuration.

    Args:
        configuration: Of the replicas.
        levels: What a replica does with more and more in flight.
        point: Where each is run.
        load: At the peak.
        staff: How many.
        knative: What to write for the autoscaler.
        split: Prefill and decode apart; ``None``: their speeds are not known.
        notes: What a reader must know.
    """

    configuration: Configuration
    levels: tuple[Level, ...]
    point: OperatingPoint
    load: Load
    staff: Staff
    knative: KnativeTarget
    split: Split | None
    notes: tuple[str, ...]

    @property
    def gpus(self) -> int:
        """Of all replicas at the peak."""
        return self.staff.total * self.configuration.gpus

    @property
    def gpu_seconds_per_request(self) -> float:
        """Of a replica at its operating point."""
        return self.configuration.gpus / self.point.level.requests_per_s

    @property
    def price_per_hour(self) -> float | None:
        """Of all replicas at the peak."""
        price = self.configuration.price_per_gpu_hour
        return None if price is None else price * self.gpus


@dataclass(frozen=True)
class Rejected:
    """A configuration that cannot serve this, or of which too little is known.

    Args:
        configuration: Which.
        why: In words.
        gpu_seconds_per_request: At full load, if its speeds are known: without any limit on time.
    """

    configuration: Configuration
    why: str
    gpu_seconds_per_request: float | None = None

    def __str__(self) -> str:
        cost = self.gpu_seconds_per_request
        known = "" if cost is None else f", {cost:.4f} GPU-seconds a request"
        return f"{self.configuration.name}: {self.why}{known}"


def mean_price_per_hour(plan: Plan, traffic: Traffic) -> float | None:
    """Of the replicas that an autoscaler keeps at the mean of the day, on average."""
    price = plan.configuration.price_per_gpu_hour
    if price is None:
        return None
    replicas = max(plan.staff.floor, ceil(plan.staff.total / traffic.peak_to_mean - 1e-9))
    return price * plan.configuration.gpus * replicas


def plans(
    configurations: Sequence[Configuration], question: Question
) -> tuple[tuple[Plan, ...], tuple[Rejected, ...]]:
    """A plan for each configuration, the cheapest first, and those without one.

    Cheapest is by price; by GPUs where a price is missing.

    Raises:
        OperationError: None of them can serve this.
    """
    found: list[Plan] = []
    rejected: list[Rejected] = []
    for each in configurations:
        outcome = plan(each, question)
        if isinstance(outcome, Plan):
            found.append(outcome)
        else:
            rejected.append(outcome)
    if not found:
        raise OperationError(
            "no configuration can serve this:" + "".join(f"\n  {each}" for each in rejected)
        )
    priced = all(each.price_per_hour is not None for each in found)
    found.sort(key=lambda each: (each.price_per_hour or 0.0) if priced else float(each.gpus))
    return tuple(found), tuple(rejected)


def plan(configuration: Configuration, question: Question) -> Plan | Rejected:
    """The plan for one configuration, or why there is none."""
    if not configuration.points:
        return Rejected(
            configuration,
            "no latency was measured, only its speed at full load",
            _full_load_cost(configuration, question),
        )
    sizes, limits = question.traffic.sizes, question.limits
    try:
        curve = levels(configuration, sizes)
    except ValueError as error:
        return Rejected(configuration, str(error))
    point = largest(curve, limits, _caps(configuration, question))
    if point is None:
        return Rejected(configuration, _why_not(configuration, question, curve))
    load = question.traffic.load(point.level.residence_s)
    staffed = staff(
        question.traffic,
        load,
        point.slots,
        point.level.residence_s,
        configuration.start_s,
        question.reserve,
    )
    target = knative_target(load, point.slots, staffed, question.reserve.queues)
    return Plan(
        configuration=configuration,
        levels=curve,
        point=point,
        load=load,
        staff=staffed,
        knative=target,
        split=split(
            configuration,
            sizes.mean,
            load.requests_per_s,
            1 / point.level.requests_per_s,
            limits,
        ),
        notes=_notes(configuration, question, point)
        + _activators(target, question)
        + _late(point, load, staffed, question.reserve),
    )


def _caps(configuration: Configuration, question: Question) -> list[tuple[float, str]]:
    """What bounds the concurrency beside time."""
    caps: list[tuple[float, str]] = []
    lengths = question.traffic.sizes.mean
    if configuration.kv_cache_tokens is not None:
        held = configuration.kv_cache_tokens / (lengths.prompt + lengths.output)
        caps.append((held, "KV cache"))
    if configuration.max_num_seqs is not None:
        caps.append((float(configuration.max_num_seqs), "--max-num-seqs"))
    return caps


def _why_not(configuration: Configuration, question: Question, curve: tuple[Level, ...]) -> str:
    if curve[0].excess(question.limits) > 1:
        nearest = closest(curve, question.limits)
        return f"no measured point meets {question.limits}: the closest is {nearest}"
    cap, name = min(_caps(configuration, question))
    return (
        f"its {name} allows {cap:,.1f} requests at a time, and the least that was measured is "
        f"{curve[0].concurrency:g}"
    )


def _full_load_cost(configuration: Configuration, question: Question) -> float | None:
    prefill, decode = configuration.prefill_tokens_per_s, configuration.decode_tokens_per_s
    if prefill is None or decode is None:
        return None
    lengths = question.traffic.sizes.mean
    return configuration.gpus * (lengths.prompt / prefill + lengths.output / decode)


def _late(point: OperatingPoint, load: Load, staffed: Staff, reserve: Reserve) -> tuple[str, ...]:
    """What is to be subtracted from the limits, when more than 1 % may wait."""
    if staffed.waiting <= 0.01:
        return ()
    queues = queue_count(staffed.total, reserve)
    wait_s = waiting_p99_s(
        staffed.total // queues * point.slots, load.in_flight / queues, point.level.residence_s
    )
    return (f"{staffed.waiting:.1%} wait for a slot, 1 % for over {wait_s:.2g} s: it is on top",)


def _activators(target: KnativeTarget, question: Question) -> tuple[str, ...]:
    reserve = question.reserve
    if reserve.queues is Queues.EACH or target.activators <= reserve.activators:
        return ()
    note = (
        f"Knative takes up to {target.activators} activators for this; the plan counts on "
        f"{reserve.activators}: with more, each has fewer replicas, and more requests wait"
    )
    return (note,)


def _notes(
    configuration: Configuration, question: Question, point: OperatingPoint
) -> tuple[str, ...]:
    notes = list(configuration.notes)
    if not configuration.lengths.near(question.traffic.sizes.mean):
        notes.append(
            f"measured with {configuration.lengths}; converted by the prefill speed, not measured"
        )
    if point.note:
        notes.append(point.note)
    if question.traffic.ramp_s is not None and configuration.start_s is None:
        notes.append("the start time is not known: nothing is said of the ramp")
    return tuple(notes)
