"""The predictor's command line."""

from pilotlight_manifests.render.names import is_knative
from pilotlight_manifests.spec.engine import Engine
from pilotlight_manifests.spec.lora import Lora
from pilotlight_manifests.spec.model_source import MODEL_DIRECTORY
from pilotlight_manifests.spec.served_model import ServedModel

MARGIN_S = 10
"""A pod under Knative is killed when the request timeout is over; the server ends before it."""

DRAIN_S = 5
"""The server's own drain delay outside Knative (docs/predictor.md)."""


def identity(model_name: str) -> list[str]:
    """What to serve, and under which name."""
    return [f"--model_name={model_name}", f"--model_dir={MODEL_DIRECTORY}"]


def grace_period_s(spec: ServedModel) -> int:
    """Seconds after SIGTERM in which streams may end."""
    request = spec.timeouts.request_seconds
    return request - MARGIN_S if is_knative(spec) else request + DRAIN_S


def arguments(spec: ServedModel) -> list[str]:
    """Everything after the identity, in the order of the specification."""
    plan = spec.parallelism
    one_node = plan.nodes == 1
    return [
        *engine_arguments(spec.engine),
        *_option("tensor-parallel-size", plan.tensor if one_node and plan.tensor > 1 else None),
        *_option(
            "pipeline-parallel-size", plan.pipeline if one_node and plan.pipeline > 1 else None
        ),
        f"--start-timeout-s={spec.timeouts.start_seconds}",
        f"--grace-period-s={grace_period_s(spec)}",
        *spec.engine.extra_args,
    ]


def engine_arguments(engine: Engine) -> list[str]:
    """vLLM's arguments for the fields that are given."""
    return [
        *_option("dtype", engine.dtype),
        *_option("max-model-len", engine.max_model_len),
        *_option("max-num-seqs", engine.max_num_seqs),
        *_option("quantization", engine.quantization),
        *_option("kv-cache-dtype", engine.kv_cache_dtype),
        *_option("gpu-memory-utilization", engine.gpu_memory_utilization),
        *_option("kv-cache-memory-bytes", engine.kv_cache_memory_bytes),
        *(["--enforce-eager"] if engine.enforce_eager else []),
        *(_lora(engine.lora) if engine.lora else []),
    ]


def _lora(lora: Lora) -> list[str]:
    return [
        "--enable-lora",
        *_option("max-loras", lora.max_loras),
        *_option("max-lora-rank", lora.max_rank),
        "--lora-modules",
        *(f"{adapter.name}={adapter.folder}" for adapter in lora.adapters),
    ]


def _option(name: str, value: object) -> list[str]:
    return [] if value is None else [f"--{name}={value}"]
