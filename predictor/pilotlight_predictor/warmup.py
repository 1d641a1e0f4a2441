"""A real generation at the shapes that will be served, before anybody is let in."""

import asyncio
import math
import random
import time
from dataclasses import dataclass
from typing import Any

from vllm.inputs import TokensPrompt
from vllm.pooling_params import PoolingParams
from vllm.sampling_params import SamplingParams

_SEED = 20401
_DECODE_BATCH = 8
_DECODE_TOKENS = 4
_LADDER = 8
BUDGET_S = 1.0
"""A prefill expected to take longer is dominated by its arithmetic, not by first use."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A batch to run: ``sequences`` prompts of ``prompt_tokens``, ``output_tokens`` each."""

    sequences: int
    prompt_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        return self.sequences * (self.prompt_tokens + self.output_tokens)


def shapes(max_model_len: int, max_batched_tokens: int, max_sequences: int) -> tuple[Shape, ...]:
    """The shapes that serving will meet: a short answer, a decode batch, then prefills from
    short to a full step.

    Args:
        max_model_len: Tokens of the context.
        max_batched_tokens: Tokens that the scheduler puts into one step.
        max_sequences: Sequences that run at once.
    """
    short = max(1, min(16, max_model_len - _DECODE_TOKENS))
    full = max(1, min(max_batched_tokens, max_model_len) - 1)
    prefills = []
    length = short
    while length < full:
        prefills.append(Shape(1, length, 1))
        length *= _LADDER
    return (
        Shape(1, short, _DECODE_TOKENS),
        Shape(min(_DECODE_BATCH, max_sequences), short, _DECODE_TOKENS),
        *prefills,
        Shape(1, full, 1),
    )


async def warm_up(engine: Any, supported_tasks: tuple[str, ...]) -> float:
    """Run the shapes in turn, the long prefills only if they are expected to fit the budget.

    Returns:
        The rate of the last one, in tokens per second: admission's first estimate.
    """
    config = engine.vllm_config
    vocabulary = config.model_config.get_vocab_size()
    source = random.Random(_SEED)  # noqa: S311
    rate = math.inf
    for index, shape in enumerate(
        shapes(
            config.model_config.max_model_len,
            config.scheduler_config.max_num_batched_tokens,
            config.scheduler_config.max_num_seqs,
        )
    ):
        if index > 2 and shape.tokens / rate > BUDGET_S:
            break
        begin = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for sequence in range(shape.sequences):
                tokens = [source.randrange(vocabulary) for _ in range(shape.prompt_tokens)]
                name = f"warmup-{index}-{sequence}"
                group.create_task(_run(engine, tokens, shape, name, supported_tasks))
        rate = shape.tokens / (time.monotonic() - begin)
    await engine.reset_prefix_cache()
    return rate


async def _run(
    engine: Any, tokens: list[int], shape: Shape, name: str, supported_tasks: tuple[str, ...]
) -> None:
    prompt = TokensPrompt(prompt_token_ids=tokens)
    if "generate" in supported_tasks:
        params = SamplingParams(max_tokens=shape.output_tokens, temperature=0, ignore_eos=True)
        outputs = engine.generate(prompt, params, name)
    else:
        task = "embed" if "embed" in supported_tasks else supported_tasks[0]
        outputs = engine.encode(prompt, PoolingParams(task=task), name)
    async for _ in outputs:
        pass
