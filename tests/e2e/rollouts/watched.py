"""A stand-in with a rollout on it: its versions, and what the rollout has come to."""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import Component, InferenceRolloutStatus, Phase
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import CONFIG_MAP, INFERENCE_ROLLOUT
from pilotlight_canary.timeline import Timeline, name_of, parse
from tests.e2e.gateway import Endpoint
from tests.e2e.standin.service import MODEL, StandInService
from tests.e2e.waiting import until
from tests.e2e.workspace import Workspace

OVER = frozenset({Phase.SUCCEEDED, Phase.ROLLED_BACK})
# Stand-ins fail only when told to, and answer within a tenth of a second.
METRICS: tuple[dict[str, Any], ...] = (
    {"name": "errors", "maxRatio": 1.5, "tolerance": 0.01},
    {"name": "ttft", "maxRatio": 1.2, "limitSeconds": 0.8, "tolerance": 0.05},
)


@dataclass(frozen=True)
class Watched:
    """An InferenceService of stand-ins and its InferenceRollout, of the same name."""

    workspace: Workspace
    name: str
    service: Mapping[str, Any] = field(default_factory=dict)
    """More arguments of the StandInService."""

    def deploy(self, **spec: object) -> Endpoint:
        """Version 1, ready, and then a rollout for what comes after it."""
        endpoint = self.workspace.deploy(self._version("1", {}))
        self.enrol(**spec)
        return endpoint

    def endpoint(self) -> Endpoint:
        """It, behind the gateway."""
        return self.workspace.endpoint(self.name, MODEL, 30)

    def enrol(self, **spec: object) -> None:
        """Apply the rollout, and wait until its controller has seen it."""
        analysis = {
            "interval": "2s",
            "stepWeights": [20, 50],
            "maxDuration": "3m",
            "metrics": list(METRICS),
        } | dict(spec.pop("analysis", {}))  # type: ignore[call-overload]  # a mapping
        self.workspace.apply(
            [
                {
                    "apiVersion": "pilotlight.dev/v1alpha1",
                    "kind": "InferenceRollout",
                    "metadata": {"name": self.name},
                    "spec": {
                        "targetRef": {"name": self.name},
                        "rollbackWindowSeconds": 15,
                        "analysis": analysis,
                        **spec,
                    },
                }
            ]
        )
        until("stable is recorded", self._is_recorded, 60)

    def golden_prompts(self, questions: Iterable[str] = ("one", "two", "three")) -> dict[str, Any]:
        """The spec's offline gate with these questions, kept in a ConfigMap made here."""
        name, key = f"{self.name}-golden", "prompts.jsonl"
        lines = "\n".join(json.dumps({"prompt": each, "max_tokens": 12}) for each in questions)
        self.workspace.apply(
            [
                {
                    "apiVersion": CONFIG_MAP.api_version,
                    "kind": CONFIG_MAP.name,
                    "metadata": {"name": name},
                    "data": {key: lines},
                }
            ]
        )
        return {"offlineGate": {"prompts": {"name": name, "key": key}, "maxDifferent": 0.25}}

    def change(self, version: str, **behaviour: object) -> float:
        """Apply another version; the wall clock of that."""
        self.workspace.apply([self._version(version, behaviour).inference_service()])
        return time.time()

    def status(self) -> InferenceRolloutStatus:
        """What the rollout says now."""
        reference = Reference(INFERENCE_ROLLOUT, self.name, self.workspace.namespace)
        document = self.workspace.cluster.api.get(reference)
        return InferenceRollout.model_validate(document).status

    def timeline(self) -> Timeline:
        """The course of the last rollout."""
        reference = Reference(CONFIG_MAP, name_of(self.name), self.workspace.namespace)
        return parse(self.workspace.cluster.api.get(reference)["data"])

    def wait(self, phases: frozenset[Phase] | Phase, timeout_s: float) -> InferenceRolloutStatus:
        """Wait for one of some phases."""
        wanted = frozenset({phases}) if isinstance(phases, Phase) else phases
        seen: list[str] = []

        def look() -> InferenceRolloutStatus | None:
            status = self.status()
            line = f"{status.phase} {status.weight} %: {status.reason}"
            if not seen or seen[-1] != line:
                seen.append(line)
            return status if status.phase in wanted else None

        try:
            return until(f"phase {'/'.join(sorted(wanted))}", look, timeout_s)
        except AssertionError as error:
            error.add_note("\n".join(seen[-12:]))
            raise

    def rolled_out(self, timeout_s: float) -> InferenceRolloutStatus:
        """Wait for the end of the rollout of what was changed last."""
        until("the change is held", lambda: self.status().phase not in OVER | {Phase.IDLE}, 30)
        return self.wait(OVER, timeout_s)

    def _is_recorded(self) -> bool:
        """Of all components: KServe holds none that it has not rolled out once."""
        service = self.workspace.cluster.api.get(self.workspace.reference(self.name))
        there = {component for component in Component if component in service["spec"]}
        return there == {name for name, one in self.status().components.items() if one.stable}

    def _version(self, version: str, behaviour: Mapping[str, object]) -> StandInService:
        return StandInService(
            self.name,
            {"version": version, **behaviour},
            **{"min_replicas": 1, "max_replicas": 3, **self.service},
        )
