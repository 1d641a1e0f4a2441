"""Recorded requests, replayed to stable and canary; the answers are compared and dropped."""

import hashlib
from collections.abc import Iterable

from pilotlight.api.gate import Comparison
from pilotlight.api.rollout_status import TaskState
from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import PilotlightError
from pilotlight.kube.cluster import Cluster
from pilotlight_canary.gate.examination import examine
from pilotlight_canary.gate.prompt import Prompt
from pilotlight_canary.gate.source import recorded_requests
from pilotlight_canary.gate.subject import Subject
from pilotlight_canary.gate.verdict import concluded, judged
from pilotlight_canary.observation import TaskResult

NAME = "shadow"
LIMIT = 2000
"""Requests in one replay."""


async def run_shadow(subject: Subject, cluster: Cluster, clock: Clock | None = None) -> TaskResult:
    """Replay a share of the recorded requests, greedily, and hold the answers to the gate's limits.

    Without an offline gate nobody has said what counts as different: then differences are told,
    and failures, refusals, empty and invalid answers and the length decide. The report has figures
    alone, since people wrote the requests.
    """
    source, weight = subject.policy.recorded_requests, subject.policy.analysis.mirror_weight
    if source is None or not weight:
        return TaskResult(TaskState.PASSED, "no shadow traffic is asked for")
    how = subject.policy.offline_gate or Comparison(max_different=1)
    try:
        recorded = await recorded_requests(cluster, source, subject.namespace)
        prompts = sample(recorded, weight)
        findings = await examine(subject, cluster, prompts, how)
    except PilotlightError as error:
        return TaskResult(TaskState.WAITING, f"requests cannot be replayed: {error}")
    verdict = judged(findings, len(prompts), how)
    return await concluded(
        subject, cluster, clock or SystemClock(), NAME, verdict, findings, shows_texts=False
    )


def sample(prompts: Iterable[Prompt], weight: int, limit: int = LIMIT) -> tuple[Prompt, ...]:
    """So many percent of the requests, at least one, the same ones each time.

    Args:
        prompts: At least one.
        weight: 1 to 100.
        limit: How many at most.
    """
    ranked = sorted(enumerate(prompts), key=lambda entry: _place(*entry))
    share = -(-len(ranked) * weight // 100)
    return tuple(prompt for _, prompt in ranked[: min(share, limit)])


def _place(index: int, prompt: Prompt) -> bytes:
    return hashlib.sha256(f"{index} {prompt.name}".encode()).digest()
