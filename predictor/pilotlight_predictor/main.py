"""The predictor's command line."""

import gc
import logging
import os
import sys
from collections.abc import Sequence

import uvloop

from pilotlight.errors import PilotlightError, UsageError
from pilotlight.telemetry import configure_logging
from pilotlight_predictor.process import PredictorProcess
from pilotlight_predictor.settings import parse_arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run a predictor.

    Returns:
        0 after a stop that lost nothing, 1 after a failure, 2 for wrong arguments.
    """
    # Imports make millions of objects and no garbage: a fifth of their time is the collector's.
    gc.disable()
    arguments = sys.argv[1:] if argv is None else argv
    try:
        settings, vllm_argv = parse_arguments(arguments)
        configure_logging(settings.log_level, json=settings.log_format == "json")

        uvloop.run(PredictorProcess(settings, vllm_argv).run())
    except UsageError as error:
        print(f"pilotlight_predictor: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except PilotlightError as error:
        logging.getLogger(__name__).log(logging.ERROR, "%s", error)
        return 1
    return 0


def leave(code: int) -> None:
    """End the process at once: vLLM leaves threads that cannot be joined."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
