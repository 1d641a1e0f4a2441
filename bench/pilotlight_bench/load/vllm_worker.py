"""vLLM's own serving benchmark as a process that takes loads on stdin, one JSON line each.

One process for all loads: vLLM's import alone takes longer than a short load. It answers one
JSON line per load; what vLLM prints goes to stderr.
"""

import asyncio
import json
import os
import resource
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from pilotlight_bench.load.outcome import Answer, Outcome
from pilotlight_bench.load.plan import Load

if TYPE_CHECKING:
    from vllm.benchmarks.datasets import SampleRequest


def main() -> None:
    """Serve loads until stdin ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    from vllm.benchmarks import serve  # noqa: F401

    _say(answers, {"ready": True})
    for line in sys.stdin:
        job = json.loads(line)
        load = Load.model_validate(job["load"])
        _say(answers, asyncio.run(_run(job["url"], job["model"], load)).model_dump())


def _say(answers: TextIO, message: object) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


async def _run(url: str, model: str, load: Load) -> Outcome:
    from vllm.benchmarks.serve import TaskType, benchmark

    cpu_before_s = _cpu_s()
    detail = await benchmark(
        task_type=TaskType.GENERATION,
        endpoint_type="openai",
        api_url=f"{url}/v1/completions",
        base_url=url,
        model_id=model,
        model_name=model,
        tokenizer=None,
        input_requests=_sample_requests(load),
        logprobs=None,
        request_rate=float("inf"),
        burstiness=1.0,
        disable_tqdm=True,
        num_warmups=0,
        profile=False,
        selected_percentile_metrics=[],
        selected_percentiles=[],
        ignore_eos=True,
        goodput_config_dict={},
        max_concurrency=load.concurrency,
        lora_modules=None,
        extra_headers=None,
        extra_body={"temperature": 0.0},
        ready_check_timeout_sec=0,
        self_timed=load.concurrency is None,
    )
    return outcome(load, detail, _cpu_s() - cpu_before_s)


def _sample_requests(load: Load) -> "list[SampleRequest]":
    from vllm.benchmarks.datasets import SampleRequest

    return [
        SampleRequest(
            prompt=request.prompt,
            prompt_len=request.prompt_tokens,
            expected_output_len=request.output_tokens,
            timestamp=request.at_s,
        )
        for request in load.requests
    ]


def outcome(load: Load, detail: Mapping[str, Any], cpu_s: float) -> Outcome:
    """An outcome from the dictionary that vLLM's benchmark returns."""
    start = min(detail["start_times"])
    return Outcome(
        answers=tuple(
            _answer(detail, index, request.output_tokens, start)
            for index, request in enumerate(load.requests)
        ),
        duration_s=detail["duration"],
        generator_cpu_s=cpu_s,
    )


def _answer(detail: Mapping[str, Any], index: int, wanted_tokens: int, start: float) -> Answer:
    error = str(detail["errors"][index]).strip().rsplit("\n", maxsplit=1)[-1]
    tokens = detail["output_lens"][index]
    # An error inside a stream that began with 200 shows only in the missing tokens.
    if not error and tokens != wanted_tokens:
        error = f"ended after {tokens} of {wanted_tokens} tokens"
    return Answer(
        at_s=detail["start_times"][index] - start,
        ok=not error,
        error=error,
        ttft_s=detail["ttfts"][index],
        itl_s=tuple(detail["itls"][index]),
        latency_s=detail["latencies"][index],
        prompt_tokens=detail["input_lens"][index],
        output_tokens=tokens,
    )


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
