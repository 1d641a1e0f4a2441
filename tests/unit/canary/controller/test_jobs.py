"""Background tasks of a rollout."""

import asyncio

import pytest

from pilotlight.api.rollout_status import TaskState
from pilotlight.errors import ClusterError
from pilotlight_canary.controller.jobs import Assignment, Current, Jobs, Report
from pilotlight_canary.decision import Task
from pilotlight_canary.observation import TaskResult
from tests.unit.canary.controller.rollouts import rollout

PASSED = TaskResult(TaskState.PASSED, "done")
TASK = Task("warm-up", "llm-00002")


class Work:
    """Work that ends when it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun: list[str] = []
        self.pods: list[int] = []
        self.ended = 0
        self.go = asyncio.Event()
        self._error = error

    async def __call__(self, task: Task, current: Current, report: Report) -> TaskResult:
        self.begun.append(task.revision)
        try:
            report(TaskResult(TaskState.WAITING, "under way"))
            await self.go.wait()
            if self._error:
                raise self._error
            self.pods.append(current().pods)
            return PASSED
        finally:
            self.ended += 1


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_task_runs_once_however_often_it_is_asked_for() -> None:
    work, news = Work(), asyncio.Event()
    jobs = Jobs(work, news.set)
    for pods in (1, 2, 3):
        jobs.ensure((TASK,), Assignment(rollout(), pods))
        await settled()
    work.go.set()
    await settled()
    assert work.begun == ["llm-00002"]
    assert jobs.results() == {"warm-up": PASSED}
    assert news.is_set()
    assert work.pods == [3]


async def test_what_it_says_before_its_end_is_seen() -> None:
    work = Work()
    jobs = Jobs(work, lambda: None)
    jobs.ensure((TASK,), Assignment(rollout()))
    await settled()
    assert jobs.results()["warm-up"].message == "under way"
    jobs.stop()


async def test_another_canary_starts_it_anew_and_ends_the_old_one() -> None:
    work = Work()
    jobs = Jobs(work, lambda: None)
    jobs.ensure((TASK,), Assignment(rollout()))
    await settled()
    jobs.ensure((Task("warm-up", "llm-00003"),), Assignment(rollout()))
    await settled()
    assert work.begun == ["llm-00002", "llm-00003"]
    assert work.ended == 1
    jobs.stop()
    await settled()
    assert work.ended == 2


async def test_a_result_that_nobody_asks_for_any_more_is_forgotten() -> None:
    work = Work()
    work.go.set()
    jobs = Jobs(work, lambda: None)
    jobs.ensure((TASK,), Assignment(rollout()))
    await settled()
    jobs.ensure((), Assignment(rollout()))
    assert jobs.results() == {}


@pytest.mark.parametrize("error", [ClusterError("no prompts"), RuntimeError("a fault of ours")])
async def test_a_task_that_breaks_is_a_refusal_and_not_a_wait_for_ever(error: Exception) -> None:
    work = Work(error)
    work.go.set()
    jobs = Jobs(work, lambda: None)
    jobs.ensure((TASK,), Assignment(rollout()))
    await settled()
    assert jobs.results()["warm-up"].state is TaskState.REFUSED
    assert str(error) in jobs.results()["warm-up"].message
