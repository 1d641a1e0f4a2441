"""The vLLM engine: arguments, configuration, processes, and admission in front of it."""

import logging
import os
import time
from argparse import Namespace
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import Any, NoReturn

from vllm.config import VllmConfig
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.platforms import current_platform
from vllm.pooling_params import PoolingParams
from vllm.sampling_params import RequestOutputKind, SamplingParams
from vllm.usage.usage_lib import UsageContext
from vllm.utils.argparse_utils import FlexibleArgumentParser
from vllm.utils.cpu_resource_utils import get_visible_memory_node
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.executor import Executor

from pilotlight.errors import EngineError, UsageError
from pilotlight_predictor.admission.gate import AdmissionGate
from pilotlight_predictor.architecture import import_model_class
from pilotlight_predictor.engine_errors import one_line
from pilotlight_predictor.probe import EngineProbe
from pilotlight_predictor.stream import admitted
from pilotlight_predictor.tracing import Exporter

logger = logging.getLogger(__name__)

START_METHOD_VARIABLE = "VLLM_WORKER_MULTIPROC_METHOD"
TIMED_WORKERS = {
    "vllm.v1.worker.cpu_worker.CPUWorker": "pilotlight_predictor.workers.cpu.TimedCPUWorker",
    "vllm.v1.worker.gpu_worker.Worker": "pilotlight_predictor.workers.gpu.TimedGPUWorker",
}


class _Parser(FlexibleArgumentParser):  # type: ignore[misc]
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def parse_engine_arguments(argv: Sequence[str]) -> Namespace:
    """Parse vLLM's own server and engine arguments.

    Raises:
        UsageError: One of them is wrong; the message names it.
    """
    try:
        arguments: Namespace = make_arg_parser(_Parser(add_help=False)).parse_args(list(argv))
        validate_parsed_serve_args(arguments)
    except UsageError:
        raise
    except (TypeError, ValueError, KeyError, OSError) as error:
        raise UsageError(one_line(error)) from error
    return arguments


def build_config(arguments: Namespace, exporter: Exporter | None) -> VllmConfig:
    """Make the engine's configuration; reads the model's config, starts nothing.

    Raises:
        UsageError: The arguments do not fit the model or the machine.
    """
    engine_arguments = AsyncEngineArgs.from_cli_args(arguments)
    if exporter is not None and not engine_arguments.otlp_traces_endpoint:
        engine_arguments.otlp_traces_endpoint = exporter.endpoint
    chosen_method = os.environ.get(START_METHOD_VARIABLE)
    import_model_class(engine_arguments.model)
    try:
        config = engine_arguments.create_engine_config(UsageContext.OPENAI_API_SERVER)
    except (TypeError, ValueError, KeyError, OSError, NotImplementedError) as error:
        raise UsageError(one_line(error)) from error
    _choose_processes(config, chosen_method)
    worker = config.parallel_config.worker_cls
    config.parallel_config.worker_cls = TIMED_WORKERS.get(worker, worker)
    return config


def _choose_processes(config: VllmConfig, chosen_method: str | None) -> None:
    """Fork the engine from this process, which has imported everything, where that is sound.

    vLLM spawns its engine core and worker on CPUs: each imports torch and vLLM anew. A single
    worker on one memory node needs no thread binding by environment, the reason for vLLM's
    choice, so it runs inside a forked engine core. On GPUs vLLM itself falls back to spawn
    if CUDA was already initialised here.
    """
    parallel = config.parallel_config
    if chosen_method is not None:
        os.environ[START_METHOD_VARIABLE] = chosen_method
        return
    if not current_platform.is_cpu():
        os.environ[START_METHOD_VARIABLE] = "fork"
        return
    if parallel.world_size == 1 and len(get_visible_memory_node()) == 1:
        os.environ[START_METHOD_VARIABLE] = "fork"
        if parallel.distributed_executor_backend == "mp":
            parallel.distributed_executor_backend = "uni"


def start_engine(config: VllmConfig, arguments: Namespace, probe: EngineProbe) -> "AdmittedEngine":
    """Start the engine's processes and wait until the model is loaded.

    Raises:
        EngineError: It did not start; its own log lines say why.
    """
    try:
        engine = AdmittedEngine(
            vllm_config=config,
            executor_class=Executor.get_class(config),
            log_stats=not arguments.disable_log_stats,
            usage_context=UsageContext.OPENAI_API_SERVER,
            log_requests=arguments.enable_log_requests,
            stat_loggers=[probe.stat_logger],
        )
    except Exception as error:
        raise EngineError(
            f"the engine did not start: {one_line(error)}; see the engine's log lines above"
        ) from error
    return engine


class AdmittedEngine(AsyncLLM):  # type: ignore[misc]
    """vLLM's engine client; every request passes admission on its way in.

    Admission stands here, and not at the HTTP edge, because here the prompt is tokenized and
    all protocols meet. ``generate`` and ``encode`` are plain functions that return a
    generator: a request that is refused fails before any answer has started.
    """

    gate: AdmissionGate | None = None

    def generate(
        self, prompt: Any, sampling_params: SamplingParams, request_id: str, **kwargs: Any
    ) -> AsyncGenerator[Any, None]:
        stream: AsyncGenerator[Any, None]
        stream = super().generate(prompt, sampling_params, request_id, **kwargs)
        if self.gate is None:
            return stream
        return admitted(
            self.gate,
            stream,
            prompt_tokens=prompt_length(prompt),
            max_output_tokens=sampling_params.max_tokens or 1,
            sequences=sampling_params.n,
            first_token_s=self._first_token(sampling_params, request_id),
        )

    def _first_token(
        self, sampling_params: SamplingParams, request_id: str
    ) -> Callable[[], float | None] | None:
        if sampling_params.output_kind is not RequestOutputKind.FINAL_ONLY:
            return None
        return partial(first_token_s, self.output_processor, request_id)

    def encode(
        self, prompt: Any, pooling_params: PoolingParams, request_id: str, **kwargs: Any
    ) -> AsyncGenerator[Any, None]:
        stream: AsyncGenerator[Any, None]
        stream = super().encode(prompt, pooling_params, request_id, **kwargs)
        if self.gate is None:
            return stream
        return admitted(
            self.gate, stream, prompt_tokens=prompt_length(prompt), max_output_tokens=0, sequences=1
        )


def first_token_s(processor: Any, request_id: str) -> float | None:
    """When a request's first token came here, on the monotonic clock; ``None``: not yet.

    Args:
        processor: vLLM's output processor, which keeps what it does not yet hand out.
        request_id: As the request was made with.
    """
    states = map(processor.request_states.get, processor.external_req_ids.get(request_id, ()))
    begun = next((state for state in states if state is not None and not state.is_prefilling), None)
    if begun is None:
        return None
    if begun.stats is None:
        return time.monotonic()
    # Wall clock, of this process: the engine may be on another host.
    came_at: float = begun.stats.arrival_time + begun.stats.first_token_latency
    return time.monotonic() - max(0.0, time.time() - came_at)


def prompt_length(prompt: Any) -> int:
    """Tokens of a rendered prompt, encoder and decoder together."""
    if not isinstance(prompt, dict):
        return 1
    parts = [prompt, prompt.get("encoder_prompt"), prompt.get("decoder_prompt")]
    return max(1, sum(_tokens(part) for part in parts if isinstance(part, dict)))


def _tokens(prompt: dict[str, Any]) -> int:
    tokens = prompt.get("prompt_token_ids")
    if tokens is not None:
        return len(tokens)
    embeddings = prompt.get("prompt_embeds")
    return 0 if embeddings is None else len(embeddings)


def kv_cache_tokens(config: VllmConfig) -> int:
    """Tokens that the KV cache holds, all data-parallel ranks together."""
    cache = config.cache_config
    return int((cache.num_gpu_blocks or 0) * cache.block_size)
