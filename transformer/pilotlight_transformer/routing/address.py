"""An upstream's URL: a host and a port, and nothing in which something else could hide."""

import re

from pilotlight_transformer.pipeline.target import Target

_URL = re.compile(r"http://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?/?")
_HOST = re.compile(r"[A-Za-z0-9._-]+(?::\d{1,5})?")


def checked_url(url: str) -> str:
    """``url``, if it is ``http://HOST`` or ``http://HOST:PORT``.

    Raises:
        ValueError: It is none.
    """
    found = _URL.fullmatch(url)
    if found is None or not 0 < int(found["port"] or 80) < 65536:
        raise ValueError(
            "an upstream's url is http://HOST or http://HOST:PORT, without user, path or query"
        )
    return url


def checked_host(host: str) -> str:
    """``host``, if it can stand in the header ``host``.

    Raises:
        ValueError: It cannot.
    """
    if host and _HOST.fullmatch(host) is None:
        raise ValueError("host is a plain name, with a port where there is one")
    return host


def target(name: str, url: str, *, host: str = "", model: str | None = None) -> Target:
    """The target of a checked URL.

    Args:
        name: In metrics, breakers and the audit.
        url: As :func:`checked_url` takes it.
        host: Value of the header ``host``; by default the URL's own.
        model: The name under which the upstream knows the model.
    """
    found = _URL.fullmatch(url)
    assert found is not None  # noqa: S101  # checked when the settings were read
    address, port = found["host"], int(found["port"] or 80)
    if address.startswith("["):
        host = host or (address if port == 80 else f"{address}:{port}")
        address = address[1:-1]
    return Target(name, address, port, host, model)
