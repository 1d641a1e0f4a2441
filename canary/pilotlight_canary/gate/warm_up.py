"""A canary is asked before people are, so that its caches are warm."""

import math
from typing import Any

from pilotlight.api.rollout_status import TaskState
from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import PilotlightError
from pilotlight.kube.cluster import Reader
from pilotlight_canary.gate.answer import Answer, Failure, Reply
from pilotlight_canary.gate.batch import done_in_time
from pilotlight_canary.gate.prefix import beginnings
from pilotlight_canary.gate.prompt import Prompt
from pilotlight_canary.gate.source import api_key, golden_prompts, recorded_requests
from pilotlight_canary.gate.subject import Subject
from pilotlight_canary.gate.version import version
from pilotlight_canary.observation import TaskResult

MISSED = 0.05
"""Probability that some pod does not get some prompt, if pods are chosen at random."""
LIMIT = 5000
"""Requests of one warm-up."""
DEFAULT_TOKENS = 16


async def run_warm_up(subject: Subject, cluster: Reader, clock: Clock | None = None) -> TaskResult:
    """Replay the prompts that the spec names to the canary.

    A warm-up is no gate: what fails is told, and passes as long as something was answered. It
    waits while the canary cannot be asked at all, and refuses one that answers every request with
    a failure of its own.
    """
    clock = clock or SystemClock()
    started = clock.monotonic()
    try:
        prompts = await _prompts(subject, cluster)
        if not prompts:
            return TaskResult(TaskState.PASSED, "no warm-up is asked for")
        replies = await _replayed(subject, cluster, prompts)
    except PilotlightError as error:
        return TaskResult(TaskState.WAITING, f"the canary cannot be warmed up: {error}")
    return outcome(replies, len(prompts), clock.monotonic() - started)


def rounds(pods: int) -> int:
    """How often each prompt is sent, so that most likely every pod has seen it.

    With n pods, each chosen at random, one of them misses a prompt in all of r rounds with
    probability of at most n exp(-r / n) (the coupon collector's bound).
    """
    return 1 if pods <= 1 else math.ceil(pods * math.log(pods / MISSED))


def outcome(replies: list[Reply], expected: int, seconds: float) -> TaskResult:
    """What came of it.

    Args:
        replies: That came in time.
        expected: Requests that were to be sent.
        seconds: That it took.
    """
    answered = sum(isinstance(reply, Answer) for reply in replies)
    failures = [reply for reply in replies if isinstance(reply, Failure)]
    kinds = ", ".join(sorted({failure.kind for failure in failures}))
    sentence = f"{answered} of {expected} warm-up requests were answered in {seconds:.1f} s"
    if kinds:
        sentence += f"; {len(failures)} failed ({kinds})"
    if len(replies) < expected:
        sentence += f"; the time was over before {expected - len(replies)} of them"
    if answered:
        return TaskResult(TaskState.PASSED, sentence)
    its_own = [failure for failure in failures if _is_its_own(failure)]
    is_bad = bool(failures) and len(its_own) == len(failures)
    return TaskResult(TaskState.REFUSED if is_bad else TaskState.WAITING, sentence)


def _is_its_own(failure: Failure) -> bool:
    """The version itself fails; what reaches it, or is asked of it, is not to blame."""
    return not failure.nothing_generated and not failure.kind.startswith("HTTP 4")


async def _prompts(subject: Subject, cluster: Reader) -> tuple[Prompt, ...]:
    """Each prompt as often as the canary's pods need, up to a limit."""
    warm_up = subject.policy.warm_up
    prompts: tuple[Prompt, ...] = ()
    if warm_up.prompts is not None:
        prompts += await golden_prompts(cluster, warm_up.prompts, subject.namespace)
    recorded = subject.policy.recorded_requests
    if warm_up.recent_prompts and recorded is not None:
        prompts += beginnings(await recorded_requests(cluster, recorded, subject.namespace))
    return (prompts * rounds(subject.pods))[:LIMIT]


async def _replayed(subject: Subject, cluster: Reader, prompts: tuple[Prompt, ...]) -> list[Reply]:
    warm_up = subject.policy.warm_up
    key = await api_key(cluster, subject.policy.api_key_from, subject.namespace)
    async with version(subject.canary, key, warm_up) as canary:

        async def ask(prompt: Prompt) -> Reply:
            return await canary.ask(prompt, warm(prompt))

        return await done_in_time(
            prompts,
            ask,
            timeout_s=warm_up.timeout.total_seconds(),
            at_a_time=warm_up.concurrency,
        )


def warm(prompt: Prompt) -> dict[str, Any]:
    """The body as it was given, answered at once as a whole and not at length."""
    body = {key: value for key, value in prompt.body.items() if key != "stream_options"}
    if body.get("max_completion_tokens") is None and body.get("max_tokens") is None:
        body["max_tokens"] = DEFAULT_TOKENS
    return body | {"stream": False}
