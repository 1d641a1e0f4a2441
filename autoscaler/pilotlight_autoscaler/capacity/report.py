"""Plans as JSON, for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pilotlight_autoscaler.capacity.knative import manifests
from pilotlight_autoscaler.capacity.plan import (
    HOURS_A_MONTH,
    Plan,
    Question,
    Rejected,
    mean_price_per_hour,
)
from pilotlight_autoscaler.capacity.traffic import Traffic


def document(
    model: str,
    question: Question,
    plans: Sequence[Plan],
    rejected: Sequence[Rejected],
    name: str,
) -> dict[str, Any]:
    """All plans, the cheapest first."""
    return {
        "model": model,
        "plans": [
            _plan(each, question.traffic) | {"manifests": list(manifests(each.knative, name))}
            for each in plans
        ],
        "rejected": [
            {
                "configuration": each.configuration.name,
                "why": each.why,
                "gpu_seconds_per_request_at_full_load": each.gpu_seconds_per_request,
            }
            for each in rejected
        ],
    }


def _plan(plan: Plan, traffic: Traffic) -> dict[str, Any]:
    level, mean = plan.point.level, mean_price_per_hour(plan, traffic)
    return {
        "configuration": plan.configuration.name,
        "gpu": plan.configuration.gpu,
        "tensor_parallel": plan.configuration.tensor_parallel,
        "gpus_per_replica": plan.configuration.gpus,
        "slots": plan.point.slots,
        "bound": plan.point.bound,
        "residence_s": level.residence_s,
        "ttft_p99_s": level.ttft_s,
        "e2e_p99_s": level.e2e_s,
        "tpot_p99_s": level.tpot_s,
        "replica_requests_per_s": level.requests_per_s,
        "requests_per_s": plan.load.requests_per_s,
        "in_flight": plan.load.in_flight,
        "replicas": asdict(plan.staff),
        "gpus": plan.gpus,
        "gpu_seconds_per_request": plan.gpu_seconds_per_request,
        "price_per_hour": plan.price_per_hour,
        "price_per_hour_at_the_mean": mean,
        "price_per_month": None if mean is None else mean * HOURS_A_MONTH,
        "knative": asdict(plan.knative),
        "split": None if plan.split is None else asdict(plan.split),
        "notes": list(plan.notes),
    }
