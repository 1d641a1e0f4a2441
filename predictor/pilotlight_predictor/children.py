"""What a forked engine process must not share with the server, and must not outlive."""

import contextlib
import ctypes
import gc
import os
import signal
import socket
import threading
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_RESET = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)


class ForkHygiene:
    """Cleans a child right after the fork.

    A child inherits the listening socket, the open connections, the signal handlers and the
    terminal's process group. With them it would keep the port after the server's death, hold
    clients' connections half open, hand its own signals to the server's event loop, and
    catch Ctrl-C. It also dies with the thread that forked it: an engine whose server was
    killed must not keep the GPU. The garbage collector, off while the server imports, is on
    again in the child, without a look at what the server has made.
    """

    def __init__(self) -> None:
        self._port: int | None = None
        self.forked = threading.Event()
        """Set once a child exists. Imports in other threads wait for it: a child that is
        forked while another thread imports a module can never import that module."""

    def install(self, port: int) -> None:
        """Watch over all forks from now on.

        Args:
            port: The TCP port whose sockets belong to the server alone.
        """
        first = self._port is None
        self._port = port
        if first:
            os.register_at_fork(after_in_child=self._clean, after_in_parent=self.forked.set)

    def _clean(self) -> None:
        die_with_parent()
        gc.freeze()
        gc.enable()
        signal.set_wakeup_fd(-1)
        for number in _RESET:
            signal.signal(number, signal.SIG_DFL)
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        if self._port is not None:
            close_sockets_of(self._port)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that started it ends (prctl(2))."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def close_sockets_of(port: int) -> None:
    """Close every TCP socket of this process that is bound to ``port``."""
    for link in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(OSError):
            if link.readlink().name.startswith("socket:"):
                _close_if_bound(int(link.name), port)


def _close_if_bound(fd: int, port: int) -> None:
    candidate = socket.socket(fileno=fd)
    try:
        inet = candidate.family in (socket.AF_INET, socket.AF_INET6)
        mine = inet and candidate.getsockname()[1] == port
    except OSError:
        mine = False
    if mine:
        candidate.close()
    else:
        candidate.detach()
