"""Golden prompts against stable and canary, before the canary gets any traffic."""

from pilotlight.api.rollout_status import TaskState
from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import PilotlightError
from pilotlight.kube.cluster import Cluster
from pilotlight_canary.gate.examination import examine
from pilotlight_canary.gate.source import golden_prompts
from pilotlight_canary.gate.subject import Subject
from pilotlight_canary.gate.verdict import concluded, judged
from pilotlight_canary.observation import TaskResult

NAME = "gate"


async def run_offline_gate(
    subject: Subject, cluster: Cluster, clock: Clock | None = None
) -> TaskResult:
    """Ask, compare and keep the report.

    It waits, instead of refusing the canary, while the prompts cannot be read, while stable does
    not answer either, and while the answers cannot be compared. It raises nothing of its own; when
    it is cancelled, its requests are.
    """
    gate = subject.policy.offline_gate
    if gate is None:
        return TaskResult(TaskState.PASSED, "no offline gate is asked for")
    try:
        prompts = await golden_prompts(cluster, gate.prompts, subject.namespace)
        findings = await examine(subject, cluster, prompts, gate)
    except PilotlightError as error:
        return TaskResult(TaskState.WAITING, f"the offline gate cannot be run: {error}")
    verdict = judged(findings, len(prompts), gate)
    return await concluded(
        subject, cluster, clock or SystemClock(), NAME, verdict, findings, shows_texts=True
    )
