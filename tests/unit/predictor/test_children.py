"""What a forked child keeps and what it does not."""

import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from pilotlight_predictor.children import close_sockets_of

SERVER = textwrap.dedent(
    """
    import os, signal, socket, sys, time
    from pilotlight_predictor.children import ForkHygiene

    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    client = socket.create_connection(("127.0.0.1", port))
    accepted, _ = listener.accept()
    other = socket.create_server(("127.0.0.1", 0))
    ForkHygiene().install(port)
    signal.signal(signal.SIGTERM, lambda *_: None)
    child = os.fork()
    if child == 0:
        names = [os.readlink(f"/proc/self/fd/{fd.fileno()}") if os.path.exists(
            f"/proc/self/fd/{fd.fileno()}") else "closed" for fd in (listener, accepted, other)]
        handler = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        own_group = os.getpgid(0) == os.getpid()
        closed = [name == "closed" for name in names]
        print(os.getpid(), closed, handler, own_group, flush=True)
        time.sleep(60)
        os._exit(0)
    time.sleep(60)
    """
)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_child_drops_the_servers_sockets_and_dies_with_it() -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert server.stdout is not None
        assert select.select([server.stdout], [], [], 20)[0]
        pid, _, rest = server.stdout.readline().partition(" ")
        assert rest.strip() == "[True, True, False] True True"
        server.send_signal(signal.SIGKILL)
        server.wait(10)
        deadline = time.monotonic() + 5
        while _alive(int(pid)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not _alive(int(pid))
    finally:
        server.kill()
        server.wait(10)
        if server.stdout is not None:
            server.stdout.close()


def test_sockets_of_another_port_stay_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as kept:
        close_sockets_of(kept.getsockname()[1] ^ 1)
        with socket.create_connection(kept.getsockname(), timeout=5):
            pass
