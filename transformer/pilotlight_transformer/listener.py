"""The sockets that clients connect to."""

import socket

from pilotlight.errors import UsageError

BACKLOG = 2048


def bind(host: str, port: int, count: int) -> list[socket.socket]:
    """Sockets that listen on one port, one for each worker.

    The kernel spreads connections over them (``SO_REUSEPORT``). The parent keeps all of them open:
    what waits in a worker's queue when it dies is there for the next one.

    Raises:
        UsageError: The port is taken, or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    try:
        for _ in range(count):
            listener = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if count > 1:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.setblocking(False)
            listener.bind((host, port))
            port = listener.getsockname()[1]
            listener.listen(BACKLOG)
    except OSError as error:
        for opened in sockets:
            opened.close()
        raise UsageError(f"--http-port: {host}:{port} cannot be listened on: {error}") from None
    return sockets
