"""Gates outside: a POST that is answered 2xx lets a rollout go on, as Flagger's webhooks do."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp

from pilotlight.api.analysis import Webhook
from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import TaskState
from pilotlight_canary.controller.jobs import Current, Report
from pilotlight_canary.observation import TaskResult

RETRIES = 2
PAUSE_S = 2.0
LONGEST_ANSWER = 300
PATIENT = frozenset({"confirm-rollout", "confirm-promotion", "rollback"})
"""These are asked until they say yes; a refusal of the others is final."""
REPEATED = frozenset({"rollout"})
"""Asked again in each interval, for as long as the policy asks for it."""


def named(rollout: InferenceRollout, task: str) -> Webhook | None:
    """The webhook of a task called ``webhook-NAME``."""
    name = task.removeprefix("webhook-")
    return next((w for w in rollout.spec.analysis.webhooks if w.name == name), None)


async def ask(
    session: aiohttp.ClientSession,
    webhook: Webhook,
    current: Current,
    report: Report,
    pause_s: float = PAUSE_S,
) -> TaskResult:
    """Ask until there is an answer to go by.

    Args:
        current: The rollout as of the last look.
        report: Told in between that it waits, and why.
        pause_s: Seconds between two attempts of one asking.
    """
    while True:
        rollout = current().rollout
        problem = await _attempts(session, webhook, payload(rollout, webhook), pause_s)
        if problem and webhook.type not in PATIENT:
            return TaskResult(TaskState.REFUSED, f"webhook {webhook.name}: {problem}")
        if problem:
            report(TaskResult(TaskState.WAITING, f"webhook {webhook.name}: {problem}"))
        elif webhook.type not in REPEATED:
            return TaskResult(TaskState.PASSED, f"webhook {webhook.name} passed")
        else:
            report(TaskResult(TaskState.PASSED, f"webhook {webhook.name} passed"))
        await asyncio.sleep(rollout.spec.analysis.interval.total_seconds())


def payload(rollout: InferenceRollout, webhook: Webhook) -> Mapping[str, Any]:
    """What is sent: Flagger's fields, and ours under ``metadata``."""
    status = rollout.status
    return {
        "name": rollout.metadata.name,
        "namespace": rollout.metadata.namespace,
        "phase": status.phase.value,
        "checksum": status.template_hash,
        "metadata": {
            "webhook": webhook.name,
            "type": webhook.type,
            "target": rollout.spec.target_ref.name,
            "component": status.component.value,
            "stableRevision": status.stable_revision,
            "canaryRevision": status.canary_revision,
            "weight": str(status.weight),
            "step": str(status.step),
        },
    }


async def _attempts(
    session: aiohttp.ClientSession, webhook: Webhook, body: Mapping[str, Any], pause_s: float
) -> str:
    """What was wrong with the last attempt; empty if one was answered 2xx."""
    problem = ""
    for attempt in range(RETRIES + 1):
        if attempt:
            await asyncio.sleep(pause_s)
        problem, is_final = await _attempt(session, webhook, body)
        if not problem or is_final:
            break
    return problem


async def _attempt(
    session: aiohttp.ClientSession, webhook: Webhook, body: Mapping[str, Any]
) -> tuple[str, bool]:
    timeout = aiohttp.ClientTimeout(total=webhook.timeout.total_seconds())
    try:
        # A redirect is no "yes", and would lead to where nobody said that we should go.
        async with session.post(
            webhook.url, json=body, timeout=timeout, allow_redirects=False
        ) as answer:
            if 200 <= answer.status < 300:
                return "", True
            start = (await answer.content.read(LONGEST_ANSWER)).decode(errors="replace")
            said = " ".join(start.split())
            return f"HTTP {answer.status} {said}".strip(), answer.status < 500
    except TimeoutError:
        return f"no answer in {webhook.timeout.total_seconds():g} s", False
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}", False
