"""What every replica answers: whether it lives, whether it is ready, and its metrics."""

import ssl
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder


def application(registry: CollectorRegistry, obstacle: Callable[[], str]) -> web.Application:
    """The plain HTTP side.

    Args:
        registry: The metrics.
        obstacle: Why this replica cannot serve now; empty: it can.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        why = obstacle()
        return web.Response(text=f"{why or 'ok'}\n", status=503 if why else 200)

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
            web.get("/metrics", metrics),
        ]
    )
    return app


async def listen(
    app: web.Application, host: str, port: int, tls: ssl.SSLContext | None = None
) -> tuple[web.AppRunner, int]:
    """Serve; the runner to clean up, and the port."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    site = web.TCPSite(runner, host, port, ssl_context=tls)
    await site.start()
    taken = runner.addresses[0][1]
    return runner, int(taken)
