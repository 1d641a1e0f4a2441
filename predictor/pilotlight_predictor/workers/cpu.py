"""vLLM's CPU worker, timed."""

from vllm.v1.worker.cpu_worker import CPUWorker

from pilotlight_predictor.workers.timed import TimedStart


class TimedCPUWorker(TimedStart, CPUWorker):  # type: ignore[misc]
    """See :class:`TimedStart`."""
