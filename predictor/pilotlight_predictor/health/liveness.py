"""Liveness: an engine that is dead, or that has work and makes no step."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Liveness:
    """The verdict and why."""

    alive: bool
    reason: str = ""


class StuckDetector:
    """Finds an engine that hangs, as in an NCCL collective whose peer is gone.

    ``stuck_after_s`` must be longer than the longest time between two signs of progress of an
    engine that is well. If each engine step is a sign, that is one step: the prefill of
    ``max_num_batched_tokens`` tokens, seconds on a CPU. If only output tokens are, it is the
    prefill of ``max_model_len`` tokens, since a lone long prompt gives no output until its last
    chunk is done. A compilation at the first request counts too: warm up before.

    Args:
        stuck_after_s: Seconds of work without progress after which the engine counts as stuck.
    """

    def __init__(self, stuck_after_s: float) -> None:
        if stuck_after_s <= 0:
            raise ValueError(f"stuck_after_s must be positive, not {stuck_after_s}")
        self._stuck_after_s = stuck_after_s
        # The last call in which there was work; idle time does not count.
        self._seen_working_s: float | None = None
        self._progress_s: float | None = None
        self._stalled_s = 0.0

    @property
    def stalled_s(self) -> float:
        """For so long there has been work and no step, as of the last call."""
        return self._stalled_s

    def observe(
        self, running_requests: int, last_progress_s: float | None, engine_dead: bool, now: float
    ) -> Liveness:
        """Judge the engine; call this every few seconds.

        One gap between two calls counts for half of ``stuck_after_s`` at most: a process that
        was itself stopped for a while, with its engine, does not take the engine for stuck.

        Args:
            running_requests: Requests that the engine has.
            last_progress_s: When the engine last made a step; ``None``: never.
            engine_dead: Whether its process ended.
            now: The same clock as ``last_progress_s``, in seconds.
        """
        self._advance(running_requests, last_progress_s, now)
        if engine_dead:
            return Liveness(False, "the engine is dead")
        if self._stalled_s >= self._stuck_after_s:
            return Liveness(
                False,
                f"the engine is stuck: {running_requests} requests are running "
                f"and there was no step for {self._stalled_s:.0f} s",
            )
        return Liveness(True)

    def _advance(self, running_requests: int, last_progress_s: float | None, now: float) -> None:
        since_s, self._seen_working_s = self._seen_working_s, now
        moved = last_progress_s != self._progress_s
        self._progress_s = last_progress_s
        if running_requests == 0:
            self._seen_working_s = None
        if running_requests == 0 or since_s is None:
            self._stalled_s = 0.0
            return
        if moved and last_progress_s is not None:
            self._stalled_s = 0.0
            since_s = max(since_s, last_progress_s)
        self._stalled_s += min(now - since_s, self._stuck_after_s / 2)
