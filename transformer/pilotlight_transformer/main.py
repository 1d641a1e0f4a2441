"""The transformer's command line."""

import logging
import os
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from pilotlight.errors import PilotlightError, UsageError
from pilotlight.telemetry import configure_logging
from pilotlight_transformer.listener import bind
from pilotlight_transformer.place import ALONE, Place
from pilotlight_transformer.process import TransformerProcess
from pilotlight_transformer.settings import TransformerSettings, parse_arguments
from pilotlight_transformer.workers import Workers


def main(argv: Sequence[str] | None = None) -> int:
    """Run a transformer.

    Returns:
        0 after a stop that lost nothing, 1 after a failure, 2 for wrong arguments.
    """
    arguments = sys.argv[1:] if argv is None else argv
    try:
        settings = parse_arguments(arguments)
        configure_logging(settings.log_level, json=settings.log_format == "json")
        count = settings.worker_count(len(os.sched_getaffinity(0)))
        listeners = bind(settings.http_host, settings.http_port, count)
    except UsageError as error:
        return _say(error)
    if count == 1:
        return serve(settings, listeners[0], ALONE)
    with TemporaryDirectory(prefix="pilotlight-", ignore_cleanup_errors=True) as name:
        places = [Place(number, count, Path(name)) for number in range(count)]
        run = partial(_serve_as, settings, places)
        return Workers(listeners, run).run()


def _serve_as(
    settings: TransformerSettings, places: Sequence[Place], listener: socket.socket, number: int
) -> int:
    return serve(settings, listener, places[number])


def serve(settings: TransformerSettings, listener: socket.socket, place: Place) -> int:
    """Run one worker to its end. Returns as :func:`main` does."""

    async def run() -> None:
        await TransformerProcess(settings, listener, place).run()

    try:
        uvloop.run(run())
    except UsageError as error:
        return _say(error)
    except PilotlightError as error:
        logging.getLogger(__name__).log(logging.ERROR, "%s", error)
        return 1
    return 0


def _say(error: UsageError) -> int:
    print(f"pilotlight_transformer: {error}", file=sys.stderr)  # noqa: T201
    return 2
