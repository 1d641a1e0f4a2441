"""Several workers, and a parent that sees to them."""

import ctypes
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence

logger = logging.getLogger(__name__)

Serve = Callable[[socket.socket, int], int]
"""What a worker does with its socket and its number; returns its exit code."""

_PR_SET_PDEATHSIG = 1
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_WATCHED = {*_SIGNALS, signal.SIGCHLD}
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
STEADY_S = 30.0
"""A worker that has lived so long died of something new."""


class Backoff:
    """How long a worker that dies is waited for; ``now`` is in seconds."""

    def __init__(self) -> None:
        self._pause_s = FIRST_PAUSE_S

    def after(self, lived_s: float) -> float:
        """The pause before the next start."""
        if lived_s >= STEADY_S:
            self._pause_s = FIRST_PAUSE_S
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, LONGEST_PAUSE_S)
        return pause_s


class _Worker:
    def __init__(self, number: int, listener: socket.socket) -> None:
        self.number = number
        self.listener = listener
        self.pid = 0
        self.started_at = 0.0
        self.start_at: float | None = 0.0
        self.backoff = Backoff()


class Workers:
    """Forks a worker for each socket, and another one for each that dies.

    The parent has no event loop and no threads, so that it can fork at any time.

    Args:
        listeners: One for each worker; the parent keeps them open.
        serve: What a worker does.
    """

    def __init__(self, listeners: Sequence[socket.socket], serve: Serve) -> None:
        self._workers = [_Worker(number, listener) for number, listener in enumerate(listeners)]
        self._serve = serve
        self._stopping = False
        self._code = 0

    def run(self) -> int:
        """Until SIGTERM or SIGINT has ended every worker; each signal goes on to all of them.

        Returns:
            0, or the first other exit code of a worker after the signal; 2 at once if one says so,
            because none of them can start then.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        while True:
            self._start_due()
            if not any(worker.pid for worker in self._workers) and self._stopping:
                return self._code
            received = signal.sigtimedwait(_WATCHED, self._pause_s())
            if received is not None and received.si_signo in _SIGNALS:
                self._pass_on(signal.Signals(received.si_signo))
            self._reap()

    def _pause_s(self) -> float:
        due = [worker.start_at for worker in self._workers if worker.start_at is not None]
        return max(0.0, min(due) - time.monotonic()) if due and not self._stopping else 3600.0

    def _start_due(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.start_at is not None and worker.start_at <= now and not self._stopping:
                self._fork(worker)

    def _fork(self, worker: _Worker) -> None:
        parent = os.getpid()
        worker.start_at, worker.started_at = None, time.monotonic()
        worker.pid = os.fork()
        if worker.pid == 0:
            code = 1
            try:
                self._become(worker, parent)
                code = self._serve(worker.listener, worker.number)
            except Exception:
                logger.exception("worker %d failed", worker.number)
            finally:
                logging.shutdown()
                os._exit(code)

    def _become(self, worker: _Worker, parent: int) -> None:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        # The terminal's Ctrl-C comes through the parent alone.
        os.setpgid(0, 0)
        for other in self._workers:
            if other is not worker:
                other.listener.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)

    def _pass_on(self, number: signal.Signals) -> None:
        self._stopping = True
        for worker in self._workers:
            # Or clients would connect to a socket that nobody takes them from any more.
            worker.listener.close()
            if worker.pid:
                os.kill(worker.pid, number)

    def _reap(self) -> None:
        for worker in self._workers:
            if not worker.pid:
                continue
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid:
                worker.pid = 0
                self._ended(worker, os.waitstatus_to_exitcode(status))

    def _ended(self, worker: _Worker, code: int) -> None:
        if self._stopping:
            # One that was not yet ready to be asked has nothing to lose.
            if code != -signal.SIGTERM:
                self._code = self._code or abs(code)
            return
        if code == 2:
            self._code = 2
            self._pass_on(signal.SIGTERM)
            return
        pause_s = worker.backoff.after(time.monotonic() - worker.started_at)
        worker.start_at = time.monotonic() + pause_s
        logger.error(
            "worker %d ended with %d: another one starts in %.1f s", worker.number, code, pause_s
        )
