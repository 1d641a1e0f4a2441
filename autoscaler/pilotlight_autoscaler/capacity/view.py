"""Plans as text, for people."""

from collections.abc import Iterable, Sequence

from pilotlight_autoscaler.capacity.plan import (
    HOURS_A_MONTH,
    Plan,
    Question,
    Rejected,
    mean_price_per_hour,
)
from pilotlight_autoscaler.capacity.queueing import square_root_slots
from pilotlight_autoscaler.capacity.staffing import queue_count

WIDTH = 26


def text(
    model: str, question: Question, plans: Sequence[Plan], rejected: Sequence[Rejected]
) -> str:
    """The question, all configurations side by side, and the cheapest one in full."""
    parts = [_question(model, question), table(plans, rejected), _steps(plans[0], question)]
    return "\n\n".join(parts)


def _question(model: str, question: Question) -> str:
    traffic = question.traffic
    if traffic.users is not None:
        who = f"{traffic.users:,.0f} users, {traffic.think_s:g} s between answer and next request"
    else:
        who = f"{number(traffic.requests_per_s or 0)} requests/s"
    if traffic.peak_to_mean != 1:
        who += f", at the peak {traffic.peak_to_mean:g} times that"
    lines = [
        f"{model}: {who}" if model else who,
        f"{traffic.sizes.mean}; P99 limits: {question.limits}",
    ]
    return "\n".join(lines)


def table(plans: Sequence[Plan], rejected: Sequence[Rejected]) -> str:
    """One line for each configuration, the cheapest first."""
    head = ("CONFIGURATION", "TP", "AT A TIME", "REPLICAS", "GPUS", "GPU-S/REQUEST", "PRICE/H")
    rows = [head] + [
        (
            plan.configuration.name,
            str(plan.configuration.tensor_parallel),
            f"{plan.point.slots:,}",
            f"{plan.staff.total:,}",
            f"{plan.gpus:,}",
            f"{plan.gpu_seconds_per_request:.4f}",
            "-" if plan.price_per_hour is None else f"{plan.price_per_hour:,.2f}",
        )
        for plan in plans
    ]
    lines = list(_columns(rows))
    lines += [str(each) for each in rejected]
    return "\n".join(lines)


def _steps(plan: Plan, question: Question) -> str:
    level, staff, knative = plan.point.level, plan.staff, plan.knative
    lines = [
        _line(
            "one replica", f"{plan.point.slots:,} requests at a time (bound: {plan.point.bound})"
        ),
        _line(
            "  at that point",
            f"{level.requests_per_s:.4g} requests/s, each {level.residence_s:.4g} s on average; "
            f"P99: {level.ttft_s:.3g} s to the first token, {level.e2e_s:.3g} s end to end, "
            f"{level.tpot_s * 1e3:.3g} ms a token",
        ),
        _line(
            "load at the peak",
            f"{number(plan.load.requests_per_s)} requests/s x {level.residence_s:.4g} s = "
            f"{plan.load.in_flight:,.0f} in flight",
        ),
        _line("replicas for the load", f"{staff.for_load:,}"),
        _line("  and its variability", _variability(plan, question)),
        _line(
            "  and failures",
            f"{staff.total:,} (+{staff.total - staff.for_variability} that may fail)",
        ),
        _line(
            "during a rollout",
            f"{staff.rollout:,} = {staff.rollout * plan.configuration.gpus:,} GPUs",
        ),
    ]
    if staff.horizon_s is not None:
        lines.append(
            _line("look-ahead", f"{staff.horizon_s:g} s (start + half the stable window + tick)")
        )
    if staff.warm_ahead is not None:
        lines.append(
            _line("warm ahead of the ramp", f"{staff.warm_ahead:,}; floor {staff.floor:,}")
        )
    lines += [
        _line(
            "Knative",
            f"target {knative.target} at {knative.utilisation_percent} %, containerConcurrency "
            f"{knative.container_concurrency}, target burst capacity "
            f"{knative.burst_capacity} ({knative.activators} activators), "
            f"{knative.floor} to {knative.max_replicas} replicas",
        )
    ]
    if plan.split is not None:
        lines.append(
            _line(
                "prefill against decode",
                f"{plan.split.prefill_s * 1e3:.3g} ms + {plan.split.decode_s * 1e3:.3g} ms of a "
                f"replica for each request: {plan.split.prefill} prefill (at most "
                f"{plan.split.utilisation:.0%} busy), {plan.split.decode} decode replicas",
            )
        )
    price = mean_price_per_hour(plan, question.traffic)
    if plan.price_per_hour is not None and price is not None:
        rate = plan.load.requests_per_s / question.traffic.peak_to_mean
        tokens = rate * question.traffic.sizes.mean.output * 3600 / 1e6
        mean = (
            "" if question.traffic.peak_to_mean == 1 else f" at the peak, {price:,.2f} at the mean"
        )
        lines.append(
            _line(
                "price",
                f"{plan.price_per_hour:,.2f} an hour{mean}, {price * HOURS_A_MONTH:,.0f} a month, "
                f"{price / tokens:.4f} a million output tokens",
            )
        )
    lines += [_line("note", note) for note in plan.notes]
    return "\n".join([plan.configuration.name, *lines])


def _variability(plan: Plan, question: Question) -> str:
    staff, load, reserve = plan.staff, plan.load, question.reserve
    queues = queue_count(staff.for_variability, reserve)
    there = staff.for_variability // queues * plan.point.slots
    wanted = square_root_slots(load.in_flight / queues, reserve.waiting)
    return (
        f"{staff.for_variability:,} (a queue with {load.in_flight / queues:,.0f} of {there:,} "
        f"slots in use, square-root rule {wanted:,.0f}; with all of them {staff.waiting:.2g} of "
        "requests wait)"
    )


def number(value: float) -> str:
    """Four digits, or all before the point."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _line(name: str, value: str) -> str:
    return f"  {name:<{WIDTH}}{value}"


def _columns(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [
            cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)
        ]
        yield "  ".join(cells).rstrip()
