"""vLLM calls this in every process that it *spawns*; a forked one is cleaned by its fork."""

import os

from pilotlight_predictor.children import die_with_parent

SERVER_PID_VARIABLE = "PILOTLIGHT_SERVER_PID"
"""Set by the server for its children; without it this plug-in does nothing."""


def register() -> None:
    """Let a spawned engine process die with its parent, in its own process group."""
    server = os.environ.get(SERVER_PID_VARIABLE)
    if server is None or int(server) == os.getpid() or os.getpgrp() == os.getpid():
        return
    die_with_parent()
    os.setpgid(0, 0)
