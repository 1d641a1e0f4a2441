"""Both versions are asked the same, and their answers compared."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from pilotlight.api.gate import Comparison
from pilotlight.errors import OperationError
from pilotlight.kube.cluster import Reader
from pilotlight_canary.gate.address import Address
from pilotlight_canary.gate.answer import Answer, Reply
from pilotlight_canary.gate.batch import done_in_time
from pilotlight_canary.gate.embedding import Embedding
from pilotlight_canary.gate.finding import Finding
from pilotlight_canary.gate.judge import Judge
from pilotlight_canary.gate.prompt import Prompt, greedy
from pilotlight_canary.gate.server import Server
from pilotlight_canary.gate.similarity import Similarity, Wording
from pilotlight_canary.gate.source import api_key
from pilotlight_canary.gate.subject import Subject
from pilotlight_canary.gate.version import Version, version


async def examine(
    subject: Subject, cluster: Reader, prompts: Sequence[Prompt], how: Comparison
) -> list[Finding]:
    """What came of the prompts that were done in time.

    Raises:
        OperationError: A version does not answer at all.
        ClusterError: A key could not be read.
        UsageError: An address or a key is none.
    """
    key = await api_key(cluster, subject.policy.api_key_from, subject.namespace)
    async with (
        version(subject.stable, key, how) as stable,
        version(subject.canary, key, how) as canary,
        _similarity(subject, cluster, how) as similarity,
    ):
        examination = Examination(stable, canary, similarity, how)
        return await done_in_time(
            prompts,
            examination.of,
            timeout_s=how.timeout.total_seconds(),
            at_a_time=how.concurrency,
        )


@dataclass(frozen=True)
class Examination:
    """Asks both versions, and compares."""

    stable: Version
    canary: Version
    similarity: Similarity
    how: Comparison

    async def of(self, prompt: Prompt) -> Finding:
        """What comes of one prompt."""
        wants_logprobs = self.how.max_logprob_drift is not None
        body = greedy(prompt, max_tokens=self.how.max_tokens, logprobs=wants_logprobs)
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(v.ask(prompt, body)) for v in (self.stable, self.canary)]
        stable, canary = (task.result() for task in asked)
        if not (isinstance(stable, Answer) and isinstance(canary, Answer)):
            return Finding(prompt, stable, canary)
        again = await self.stable.ask(prompt, body) if self.how.control else None
        return await self._compared(prompt, stable, canary, again)

    async def _compared(
        self, prompt: Prompt, stable: Answer, canary: Answer, again: Reply | None
    ) -> Finding:
        control = None
        try:
            judgement = await self.similarity.judge(prompt, stable, canary)
            if isinstance(again, Answer):
                control = await self.similarity.judge(prompt, stable, again)
        except OperationError as error:
            return Finding(prompt, stable, canary, undone=str(error))
        return Finding(prompt, stable, canary, judgement, control)


@asynccontextmanager
async def _similarity(
    subject: Subject, cluster: Reader, how: Comparison
) -> AsyncIterator[Similarity]:
    """What the spec compares answers by."""
    async with AsyncExitStack() as stack:
        endpoint = {"embedding": how.embedding, "judge": how.judge}.get(how.comparison)
        if endpoint is None:
            yield Wording()
            return
        key = await api_key(cluster, endpoint.api_key_from, subject.namespace)
        server = await stack.enter_async_context(
            Server(
                Address(endpoint.url.rstrip("/")),
                api_key=key,
                request_s=how.request_timeout.total_seconds(),
                concurrency=how.concurrency,
                is_outside=True,
            )
        )
        if how.comparison == "embedding" and how.embedding is not None:
            yield Embedding(server, endpoint.model, how.embedding.min_similarity)
        else:
            yield Judge(server, endpoint.model)
