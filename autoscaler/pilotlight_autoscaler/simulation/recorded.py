"""A history from a file, as a load."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pilotlight.errors import UsageError
from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.simulation.condensed import condense, of_batches
from pilotlight_autoscaler.simulation.load import Load
from pilotlight_autoscaler.traffic import Requests, read_requests, servegen
from pilotlight_autoscaler.traffic.arrivals import arrivals, batches
from pilotlight_autoscaler.traffic.lines import opened

LEAST_S = 1e-3
SINGLE_UP_TO = 2_000_000
SEED = 0
"""Of what is drawn from a trace's windows."""


@dataclass(frozen=True)
class Pace:
    """How long requests take that a file gives no duration of.

    Args:
        request_s: All of them, where no tokens are known either.
        prompt_tokens_per_s: Reading.
        output_tokens_per_s: Writing, of one answer.
    """

    request_s: float = 5.0
    prompt_tokens_per_s: float = 5000.0
    output_tokens_per_s: float = 30.0

    def durations(self, requests: Requests) -> Floats:
        """As recorded, else from tokens, else the same for all; shape (requests,)."""
        prompt = np.nan_to_num(requests.prompt_tokens) / self.prompt_tokens_per_s
        from_tokens = prompt + requests.output_tokens / self.output_tokens_per_s
        known = np.where(np.isnan(requests.duration_s), from_tokens, requests.duration_s)
        taken: Floats = np.maximum(np.where(np.isnan(known), self.request_s, known), LEAST_S)
        return taken


def read_load(
    file: Path, pace: Pace, client: str | None = None, single_up_to: int = SINGLE_UP_TO
) -> Load:
    """Single requests, or one client of a ServeGen trace, drawn from its windows.

    Args:
        file: CSV, Azure's or ServeGen's tables, Mooncake's JSON lines; in gzip or not.
        pace: How long requests take, where the file does not say.
        client: Of a ServeGen trace.
        single_up_to: Of more requests than that busy stretches become rates.

    Raises:
        UsageError: The file cannot be used, or it takes a client to choose.
    """
    if not file.is_file():
        raise UsageError(f"there is no file {file}")
    if _is_servegen(file):
        return _client(file, pace, client, single_up_to)
    if client is not None:
        raise UsageError(f"--client {client!r} is for a ServeGen trace, and {file} is none")
    requests = read_requests(file)
    load = Load(requests.time_s, pace.durations(requests))
    return load if len(load.arrivals) <= single_up_to else condense(load)


def _is_servegen(file: Path) -> bool:
    with opened(file) as lines:
        return "window_start_s" in lines.readline()


def _client(file: Path, pace: Pace, name: str | None, single_up_to: int) -> Load:
    clients = {client.name: client for client in servegen.read(file)}
    if name not in clients:
        some = ", ".join(list(clients)[:10])
        which = "choose one with --client" if name is None else f"there is no client {name!r}"
        raise UsageError(f"{file} holds {len(clients)} clients ({some}, …): {which}")
    client, random = clients[name], np.random.default_rng(SEED)
    if client.requests.sum() > single_up_to:
        return of_batches(batches(client, random), pace.request_s)
    times = arrivals(client, random)
    return Load(times, np.full(len(times), pace.request_s))
