"""Runs the tasks that the policy asks for, each by its name."""

import asyncio
from dataclasses import dataclass

import aiohttp

from pilotlight.api.rollout_status import TaskState
from pilotlight.kube.cluster import Cluster
from pilotlight_canary.controller import webhooks
from pilotlight_canary.controller.jobs import Assignment, Current, Report
from pilotlight_canary.decision import Task
from pilotlight_canary.gate.offline_gate import run_offline_gate
from pilotlight_canary.gate.shadow import run_shadow
from pilotlight_canary.gate.subject import subject_of
from pilotlight_canary.gate.warm_up import run_warm_up
from pilotlight_canary.observation import TaskResult

WARM_UP = "warm-up"
OFFLINE_GATE = "offline-gate"
SHADOW = "shadow"
WEBHOOK = "webhook-"


@dataclass(frozen=True)
class Tasks:
    """Warm-up, gates and webhooks.

    Args:
        cluster: Has their prompts and keeps their reports.
        session: For webhooks.
        gateway: The cluster's internal gateway, for a process outside of it.
    """

    cluster: Cluster
    session: aiohttp.ClientSession
    gateway: str = ""

    async def run(self, task: Task, current: Current, report: Report) -> TaskResult:
        """Run one task to its end; what has to wait is tried again in each interval."""
        if task.name.startswith(WEBHOOK):
            return await self._webhook(task, current, report)
        while True:
            assignment = current()
            result = await self._gate(task, assignment)
            if result.state is not TaskState.WAITING:
                return result
            report(result)
            await asyncio.sleep(assignment.rollout.spec.analysis.interval.total_seconds())

    async def _gate(self, task: Task, to: Assignment) -> TaskResult:
        subject = subject_of(to.rollout, gateway=self.gateway, pods=to.pods)
        if task.name == WARM_UP:
            return await run_warm_up(subject, self.cluster)
        if task.name == OFFLINE_GATE:
            return await run_offline_gate(subject, self.cluster)
        if task.name == SHADOW:
            return await run_shadow(subject, self.cluster)
        return TaskResult(TaskState.REFUSED, f"nobody knows how to run the task {task.name}")

    async def _webhook(self, task: Task, current: Current, report: Report) -> TaskResult:
        webhook = webhooks.named(current().rollout, task.name.removeprefix(WEBHOOK))
        if webhook is None:
            return TaskResult(TaskState.PASSED, f"{task.name} is not in the spec any more")
        return await webhooks.ask(self.session, webhook, current, report)
