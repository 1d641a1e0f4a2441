"""Shared memory between the engine's processes."""

from collections.abc import Iterable

from pilotlight_manifests.lint.engine import Server
from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.quantity import MIB, memory
from pilotlight_manifests.lint.workload import SHM, Workload

CHUNKS = 10
DEFAULT_CHUNK_MIB = 16


class ShmTooSmall:
    """vLLM's processes talk through ``/dev/shm``, and 64 MiB, a container's default, are too few.

    The ring of the multiprocess executor has 10 chunks of 16 MiB (``VLLM_MQ_MAX_CHUNK_BYTES_MB``;
    ``ShmRingBuffer``, ``MultiprocExecutor``); vLLM 0.32 refuses to start with less
    (``check_shm_free_space``), older ones die of SIGBUS. With one GPU there is a single process
    and no ring; on CPUs vLLM always makes one (``vllm/platforms/cpu.py``), Pilotlight's predictor
    for several memory nodes only (``pilotlight_predictor/engine.py``).
    """

    id = "shm-too-small"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        engine, has = workload.engine, workload.shm
        processes = engine.tensor_parallel * engine.pipeline_parallel
        if not workload.server.is_vllm or has is None:
            return
        if processes <= 1 and not workload.on_cpu:
            return
        chunk = workload.container.env.get("VLLM_MQ_MAX_CHUNK_BYTES_MB")
        chunk_mib = (chunk.integer if chunk else None) or DEFAULT_CHUNK_MIB
        needed = CHUNKS * max(chunk_mib, 1) * MIB
        if has >= needed:
            return
        place = workload.container.field("volumeMounts")
        why = f"{SHM} has {memory(has)}, and vLLM's ring between "
        need = f"needs {memory(needed)}"
        do = f"mount an emptyDir with `medium: Memory` and a sizeLimit of 1Gi or more at {SHM}"
        if processes > 1:
            why = f"{why}{processes} workers {need}: the engine does not start."
            yield report.error(place, why, do)
        elif workload.server is Server.VLLM:
            why = f"{why}its processes on a CPU {need}: the engine does not start."
            yield report.error(place, why, do)
        else:
            why = f"{why}processes {need}: on a CPU with several memory nodes it does not start."
            yield report.warning(place, why, do)
