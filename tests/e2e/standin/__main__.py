"""The program: ``python -m standin``, on ``PORT`` (8080)."""

import asyncio
import os
import signal
import sys

from aiohttp import web

from .behaviour import Behaviour
from .server import Server

CRASHED = 7


async def serve(behaviour: Behaviour, port: int) -> None:
    """Serve until SIGTERM; then refuse what is new, and let what runs come to its end."""
    server = Server(behaviour)
    asked_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_stop.set)
    # A client that goes away ends its generation, as vLLM does.
    runner = web.AppRunner(server.application(), handler_cancellation=True, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, None, port, backlog=1024).start()
    say(f"version {behaviour.version} listens on {port}")
    await asked_to_stop.wait()
    server.draining = True
    say("draining")
    await server.idle()
    await runner.cleanup()
    say("stopped")


def say(line: str) -> None:
    """One line for the container's log."""
    sys.stdout.write(f"standin: {line}\n")
    sys.stdout.flush()


def main() -> None:
    behaviour = Behaviour()
    if behaviour.crash:
        say("told to crash")
        sys.exit(CRASHED)
    asyncio.run(serve(behaviour, int(os.environ.get("PORT", "8080"))))


if __name__ == "__main__":
    main()
