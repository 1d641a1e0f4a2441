"""vLLM's settings, as far as people change them; the rest passes through."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from pilotlight.api.meta import ApiModel
from pilotlight_manifests.spec.lora import Lora

OURS = {
    "model_name": "use name",
    "model_dir": "use model.uri",
    "model": "use model.uri",
    "dtype": "use engine.dtype",
    "max_model_len": "use engine.maxModelLen",
    "max_num_seqs": "use engine.maxNumSeqs",
    "quantization": "use engine.quantization",
    "kv_cache_dtype": "use engine.kvCacheDtype",
    "gpu_memory_utilization": "use engine.gpuMemoryUtilization",
    "kv_cache_memory_bytes": "use engine.kvCacheMemoryBytes",
    "enforce_eager": "use engine.enforceEager",
    "tensor_parallel_size": "use parallelism.tensor",
    "pipeline_parallel_size": "use parallelism.pipeline",
    "distributed_executor_backend": "use parallelism.nodes",
    "enable_lora": "use engine.lora",
    "lora_modules": "use engine.lora",
    "max_loras": "use engine.lora.maxLoras",
    "max_lora_rank": "use engine.lora.maxRank",
    "grace_period_s": "use timeouts.requestSeconds",
    "start_timeout_s": "use timeouts.startSeconds",
    "api_key": "use access.apiKeySecret",
    "admin_token": "use access.adminTokenSecret",
    "http_port": "leave it out: the port is 8080",
}
"""Arguments that the specification has a field for, and what to do instead."""

Argument = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Engine(ApiModel):
    """What vLLM is started with. A field that is left out is left to vLLM."""

    dtype: Literal["auto", "bfloat16", "float16", "float32"] | None = None
    max_model_len: Annotated[int, Field(ge=1)] | None = None
    """Tokens of prompt and answer together."""
    max_num_seqs: Annotated[int, Field(ge=1)] | None = None
    """Requests that one step may batch."""
    quantization: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+$")] | None = None
    kv_cache_dtype: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")] | None = None
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the GPU's memory for weights and KV cache; vLLM's default is 0.92."""
    kv_cache_memory_bytes: Annotated[int, Field(ge=1)] | None = None
    """Size of the KV cache, for CPUs and for a fixed size on GPUs."""
    enforce_eager: bool = False
    """No CUDA graphs and no compilation: a shorter start, slower decoding."""
    lora: Lora | None = None
    extra_args: tuple[Argument, ...] = ()
    """Further arguments of the predictor and of vLLM, one a line, as they are."""

    @model_validator(mode="after")
    def _no_argument_twice(self) -> Self:
        for argument in self.extra_args:
            flag = argument.partition("=")[0].lstrip("-").removeprefix("no-").replace("-", "_")
            if argument.startswith("-") and flag in OURS:
                raise ValueError(f"extraArgs: {argument.partition('=')[0]}: {OURS[flag]}")
        return self
