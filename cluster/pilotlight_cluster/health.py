"""Whether something answers, asked without patience: callers ask again."""

import http.client
import socket
import ssl
import urllib.request
from collections.abc import Callable
from pathlib import Path

TIMEOUT_S = 2.0


def answers(
    url: str, authority: Path | None = None, client: tuple[Path, Path] | None = None
) -> bool:
    """Whether an HTTP GET is answered with success.

    Args:
        authority: The certificate that signs the server's.
        client: Certificate and key to show.
    """
    try:
        context = ssl.create_default_context(cafile=str(authority) if authority else None)
        if client is not None:
            context.load_cert_chain(*client)
        https = urllib.request.HTTPSHandler(context=context)
        # Nothing of the cluster is behind a proxy, whatever the environment says.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
        with opener.open(url, timeout=TIMEOUT_S) as response:
            return 200 <= int(response.status) < 300
    except (OSError, http.client.HTTPException):
        return False


def listens(host: str, port: int) -> Callable[[], bool]:
    """A question: does something accept connections there?"""

    def ask() -> bool:
        try:
            with socket.create_connection((host, port), timeout=TIMEOUT_S):
                return True
        except OSError:
            return False

    return ask


def listens_at(path: Path) -> Callable[[], bool]:
    """A question: does something accept connections on that Unix socket?"""

    def ask() -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT_S)
            try:
                client.connect(str(path))
            except OSError:
                return False
            return True

    return ask
