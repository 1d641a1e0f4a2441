"""Rollouts as JSON, for programs."""

import json
from collections.abc import Sequence
from typing import Any

from pilotlight.api.rollout import InferenceRollout
from pilotlight_canary.view.evidence import good_part, worse_part
from pilotlight_canary.view.seen import Seen


def document(seen: Seen) -> dict[str, Any]:
    """What is seen of a rollout; ``status`` is the resource's own."""
    return {
        **summary(seen.rollout),
        "at": seen.at.isoformat(),
        "traffic": dict(seen.traffic),
        "progress": [
            {
                "check": evidence.check,
                "stratum": evidence.stratum,
                "noWorse": round(good_part(evidence, seen.plans.get(evidence.check)), 3),
                "worse": round(worse_part(evidence, seen.plans.get(evidence.check)), 3),
            }
            for evidence in seen.status.evidence
        ],
        "pods": [
            {
                "name": pod.name,
                "revision": pod.revision,
                "state": pod.state,
                "ready": pod.ready,
                "restarts": pod.restarts,
            }
            for pod in seen.pods
        ],
        "events": [
            {
                "at": event.at.isoformat(),
                "type": "Warning" if event.warning else "Normal",
                "reason": event.reason,
                "message": event.message,
            }
            for event in seen.events
        ],
        "controller": {"alive": seen.controller.alive, "words": seen.controller.words},
        "notes": list(seen.notes),
        "status": seen.status.model_dump(mode="json", by_alias=True, exclude_defaults=True),
    }


def summary(rollout: InferenceRollout) -> dict[str, Any]:
    """Which rollout it is and where it stands."""
    status = rollout.status
    return {
        "name": rollout.metadata.name,
        "namespace": rollout.metadata.namespace,
        "target": rollout.spec.target_ref.name,
        "phase": status.phase.value,
        "weight": status.weight,
        "step": status.step,
        "steps": len(rollout.spec.analysis.weights),
        "reason": status.reason,
        "stableRevision": status.stable_revision,
        "canaryRevision": status.canary_revision,
    }


def as_json(seen: Seen) -> str:
    return json.dumps(document(seen), indent=2, ensure_ascii=False)


def as_line(seen: Seen) -> str:
    """The same on one line, for a stream of them."""
    return json.dumps(document(seen), ensure_ascii=False)


def rollouts_as_json(rollouts: Sequence[InferenceRollout]) -> str:
    return json.dumps([summary(rollout) for rollout in rollouts], indent=2, ensure_ascii=False)
