"""Weights against the memory that they are to fit into."""

import math
from collections.abc import Iterable

from pilotlight_manifests.lint.engine import Server
from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.quantity import GIB, memory
from pilotlight_manifests.lint.workload import Workload


class WeightsExceedGpuMemory:
    """Weights that the GPUs cannot hold.

    The size is parameters x bytes, from the model's name, its quantization and ``--dtype``, or
    ``--model-size``; a GPU's memory from the node selection, a MIG slice or ``--gpu-memory``, as
    an upper bound: nothing is counted for activations and the KV cache.
    """

    id = "weights-exceed-gpu-memory"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        each, model, gpus = workload.gpu_memory, workload.model, workload.gpus
        if each is None or model is None or not gpus or workload.server is Server.OTHER:
            return
        if workload.worker.given or not workload.engine.sure or workload.engine.nodes > 1:
            return
        if workload.engine.flag("cpu-offload-gb").given:
            return
        used = min(workload.gpus_per_engine, gpus)
        usable, weights = each * used, model.memory_bytes
        share = workload.engine.gpu_memory_utilization if workload.server.is_vllm else 1.0
        if weights is not None and weights > usable * share:
            # Degrees of parallelism are powers of two: heads divide by no other.
            enough = 2 ** math.ceil(math.log2(weights / (each * share)))
            yield report.error(
                model.place,
                f"{memory(weights)} of weights do not fit into {memory(usable)} "
                f"({used} x {memory(each)}"
                f"{f', of which vLLM takes {share:.0%}' if share < 1 else ''}).",
                f"use {enough} or more such GPUs (--tensor-parallel-size), larger ones, or a "
                "quantized model",
            )


class WeightsExceedContainerMemory:
    """On the CPU the weights are in the container's memory, and its limit kills the container.

    Only where the engine surely computes on the CPU: loading onto a GPU maps the files, and the
    kernel takes those pages back.
    """

    id = "weights-exceed-container-memory"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        model, limit = workload.model, workload.container.limit("memory")
        if model is None or limit is None or not workload.on_cpu:
            return
        weights = model.memory_bytes
        if weights is not None and weights > limit:
            yield report.error(
                workload.container.resources("limits")["memory"],
                f"{memory(weights)} of weights do not fit into the memory limit of "
                f"{memory(limit)}: the kernel kills the container while it loads.",
                f"set the limit above {memory(weights * 1.25 + 2 * GIB)}: weights, KV cache and "
                "the processes",
            )
