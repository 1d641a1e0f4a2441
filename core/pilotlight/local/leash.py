"""Execute a program that dies with the process that started it, whatever ends that one.

Run as a file (``python leash.py PARENT_PID PROGRAM [ARG…]``), so that nothing is done between
fork and exec of the parent, which may have threads. Linux only: prctl(2), PR_SET_PDEATHSIG.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def leashed(*argv: str) -> tuple[str, ...]:
    """The command that executes ``argv`` as a child of this process, and not longer than it."""
    return (sys.executable, "-I", "-S", __file__, str(os.getpid()), *argv)


def main() -> None:
    parent, program = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the parent was gone before the leash held")
    try:
        os.execvp(program[0], program)  # noqa: S606
    except OSError as error:
        sys.exit(f"{program[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
