"""vLLM's GPU worker, timed."""

from vllm.v1.worker.gpu_worker import Worker

from pilotlight_predictor.workers.timed import TimedStart


class TimedGPUWorker(TimedStart, Worker):  # type: ignore[misc]
    """See :class:`TimedStart`."""
