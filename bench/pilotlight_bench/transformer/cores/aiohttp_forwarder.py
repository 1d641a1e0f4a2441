"""A bare forwarder on aiohttp's server and client; its arguments are PORT and UPSTREAM."""

import sys

import aiohttp
import uvloop
from aiohttp import web


async def application(upstream: str) -> web.Application:
    """The forwarder."""
    client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def forward(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {"content-type": "application/json"}
        async with client.request(
            request.method, upstream + request.path, data=body, headers=headers
        ) as answer:
            kind = answer.headers["content-type"]
            if not kind.startswith("text/event-stream"):
                return web.Response(body=await answer.read(), headers={"content-type": kind})
            response = web.StreamResponse(headers={"content-type": kind})
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", forward)
    return app


if __name__ == "__main__":
    uvloop.install()
    web.run_app(
        application(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), access_log=None,
        print=None,
    )  # fmt: skip
