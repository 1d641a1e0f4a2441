"""Rollouts for these tests."""

from typing import Any

from pilotlight.api.rollout import InferenceRollout


def rollout(status: dict[str, Any] | None = None, **spec: Any) -> InferenceRollout:
    """One of the InferenceService ``llm``."""
    return InferenceRollout.model_validate(
        {
            "metadata": {"name": "chat", "namespace": "models", "uid": "1"},
            "spec": {"targetRef": {"name": "llm"}, **spec},
            "status": status or {},
        }
    )
