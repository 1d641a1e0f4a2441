"""What takes its time runs beside a rollout's looks; each of them asks for the results."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import TaskState
from pilotlight.errors import PilotlightError
from pilotlight_canary.decision import Task
from pilotlight_canary.observation import TaskResult

logger = logging.getLogger(__name__)

Report = Callable[[TaskResult], None]


@dataclass(frozen=True)
class Assignment:
    """For whom a task is done, as of the last look.

    Args:
        rollout: As it is stored.
        pods: Of the canary, that are ready.
    """

    rollout: InferenceRollout
    pods: int = 1


Current = Callable[[], Assignment]
Work = Callable[[Task, Current, Report], Awaitable[TaskResult]]
"""Runs one task; may report before its end how it stands."""


@dataclass
class _Job:
    running: asyncio.Task[None]
    result: TaskResult | None = None


@dataclass
class Jobs:
    """One rollout's background work.

    A controller that starts anew starts it anew: nothing of it is stored but the outcome.

    Args:
        work: Runs a task.
        on_news: Called when there is a result to look at.
    """

    work: Work
    on_news: Callable[[], None]
    _jobs: dict[Task, _Job] = field(default_factory=dict)
    _assignment: Assignment | None = None

    def ensure(self, tasks: tuple[Task, ...], assignment: Assignment) -> None:
        """Start what is asked for and does not run; stop what is not asked for any more."""
        self._assignment = assignment
        for task in self._jobs.keys() - set(tasks):
            self._jobs.pop(task).running.cancel()
        for task in tasks:
            if task not in self._jobs:
                running = asyncio.create_task(
                    self._run(task, lambda: self._assignment or assignment), name=task.name
                )
                self._jobs[task] = _Job(running)

    def results(self) -> Mapping[str, TaskResult]:
        """By the task's name, of those that have said something."""
        return {task.name: job.result for task, job in self._jobs.items() if job.result is not None}

    def stop(self) -> None:
        """End all of them."""
        for job in self._jobs.values():
            job.running.cancel()
        self._jobs.clear()

    async def _run(self, task: Task, current: Current) -> None:
        def report(result: TaskResult) -> None:
            job = self._jobs.get(task)
            if job is not None and job.result != result:
                job.result = result
                self.on_news()

        try:
            report(await self.work(task, current, report))
        except PilotlightError as error:
            report(TaskResult(TaskState.REFUSED, f"{task.name}: {error}"))
        except Exception as error:
            # Only this task is lost: a fault of ours must not leave a rollout waiting for ever.
            logger.exception("task %s broke", task.name)
            report(TaskResult(TaskState.REFUSED, f"{task.name} broke: {error!r}"))
