"""GPUs asked for against GPUs used."""

from collections.abc import Iterable

from pilotlight_manifests.lint.container import GPU_RESOURCES, MIG_PREFIX
from pilotlight_manifests.lint.engine import Engine
from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.quantity import quantity
from pilotlight_manifests.lint.workload import Workload

NAMES = ("tensor-parallel-size", "pipeline-parallel-size", "data-parallel-size")


def _one_pod(workload: Workload) -> bool:
    """Whether the whole engine is in this pod, and vLLM's arguments decide what it uses."""
    engine = workload.engine
    backend = engine.flag("distributed-executor-backend").text
    return (
        workload.server.is_vllm
        and engine.sure
        and engine.nodes == 1
        and not workload.worker.given
        and backend not in {"ray", "external_launcher"}
        and not workload.container.claims_devices
    )


def _product(engine: Engine) -> str:
    degrees = (engine.tensor_parallel, engine.pipeline_parallel, engine.data_parallel)
    words = ("tensor", "pipeline", "data")
    return " x ".join(f"{w} {d}" for w, d in zip(words, degrees, strict=True) if d > 1)


class GpusFewerThanParallelism:
    """More GPUs used than asked for: the engine stops at its start.

    Source: vLLM ``ParallelConfig`` (world size against the visible devices). KServe's Hugging Face
    server is left out: it takes the number of GPUs that it sees for the tensor parallel size
    (``huggingfaceserver/vllm/vllm_model.py``).
    """

    id = "gpus-fewer-than-parallelism"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        engine = workload.engine
        needed = workload.gpus_per_engine * engine.data_parallel
        known = workload.container.gpus is not None or workload.complete
        if not _one_pod(workload) or not known or workload.on_cpu or needed <= 1:
            return
        if workload.gpus < needed and workload.component != "runtime":
            asked = workload.container.gpus
            yield report.error(
                asked.place if asked else engine.flag(*NAMES),
                f"the engine uses {needed} GPUs ({_product(engine)} parallel), "
                f"the container asks for {workload.gpus}.",
                f"set {asked.resource if asked else GPU_RESOURCES[0]} to {needed}, "
                "or lower the degree of parallelism",
            )


class GpusIdle:
    """More GPUs asked for than used: they are paid for, and nobody else gets them.

    Source: vLLM uses tensor x pipeline x data parallel devices, 1 without these arguments.
    """

    id = "gpus-idle"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        needed = workload.gpus_per_engine * workload.engine.data_parallel
        asked = workload.container.gpus
        known = workload.complete and workload.engine.visible
        if asked is None or not known or not _one_pod(workload):
            return
        if asked.count > needed:
            idle = asked.count - needed
            yield report.warning(
                asked.place,
                f"the container asks for {asked.count} GPUs and the engine uses {needed}: "
                f"{idle} {'is' if idle == 1 else 'are'} idle.",
                f"ask for {needed}, or add --tensor-parallel-size={asked.count}",
            )


class HeadsNotDivisible:
    """Attention heads that do not divide by the tensor parallel size: vLLM refuses.

    Source: vLLM ``ModelConfig.verify_with_parallel_config``; the model's number of heads from the
    table in ``lint/architecture.py``.
    """

    id = "heads-not-divisible"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        known = workload.model.architecture if workload.model else None
        if known is None or not workload.server.is_vllm or not workload.engine.sure:
            return
        degree = workload.engine.tensor_parallel
        if known.heads % degree:
            fitting = [n for n in (1, 2, 4, 8, 16) if known.heads % n == 0]
            yield report.error(
                workload.engine.flag("tensor-parallel-size"),
                f"the model has {known.heads} attention heads, which {degree} does not divide.",
                f"use a tensor parallel size of {', '.join(map(str, fitting))}",
            )


class GpuRequestDiffersFromLimit:
    """Devices cannot be overcommitted: Kubernetes refuses the pod.

    Source: Kubernetes ``ValidateContainerResourceRequirements``
    (``pkg/apis/core/validation/validation.go``).
    """

    id = "gpu-request-differs-from-limit"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        limits = workload.container.resources("limits")
        for name, request in workload.container.resources("requests").items():
            if name not in GPU_RESOURCES and not name.startswith(MIG_PREFIX):
                continue
            limit = limits.get(name)
            if limit is None and (workload.component == "runtime" or not workload.complete):
                continue
            asked, most = quantity(request.text), quantity(limit.text if limit else "0")
            if asked is not None and most is not None and asked != most:
                yield report.error(
                    request,
                    f"{name}: {request.text} requested, "
                    f"{f'the limit is {limit.text}' if limit else 'and no limit'}: "
                    "Kubernetes wants them equal and refuses the pod.",
                    f"set the limit of {name} to the same number; the request may go",
                )
